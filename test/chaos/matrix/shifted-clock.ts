/** Imported before everything else: the wall clock of this process is wrong by PAWL_MATRIX_CLOCK_MS milliseconds. */
export const shiftMs = Number(process.env['PAWL_MATRIX_CLOCK_MS'] ?? 0);

if (shiftMs !== 0) {
  const RealDate = Date;
  const now = (): number => RealDate.now() + shiftMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args: unknown[]) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args) as Date,
    get: (target, key) => (key === 'now' ? now : (Reflect.get(target, key) as unknown)),
  });
}
