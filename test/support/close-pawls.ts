/**
 * Closes the pawls that a file of tests has left open. Files of a project share their process, and the workers of an open
 * pawl would beat, sweep and claim beside the tests of every later file.
 */
import { afterAll } from 'vitest';
import { Pawl } from 'pawl';

/** Some tests break the store below a pawl, so that it never closes. The process ends it. */
const closeMs = 500;

declare global {
  /** Of this process; undefined until its first file. */
  var pawlsLeftOpen: Set<Pawl> | undefined;
}

const opened = (globalThis.pawlsLeftOpen ??= watched());

afterAll(async () => {
  const closed = [...opened].map((pawl) => pawl.close({ graceMs: 0 }));
  opened.clear();
  const late = new Promise((resolve) => setTimeout(resolve, closeMs));
  await Promise.race([Promise.allSettled(closed), late]);
});

/** From now on, every pawl that is made is in this set. */
function watched(): Set<Pawl> {
  const pawls = new Set<Pawl>();
  const keep = (pawl: Pawl): Pawl => {
    pawls.add(pawl);
    return pawl;
  };
  const assemble = Pawl.assemble.bind(Pawl);
  const open = Pawl.open.bind(Pawl);
  Pawl.assemble = (parts) => keep(assemble(parts));
  Pawl.open = async (options) => keep(await open(options));
  return pawls;
}
