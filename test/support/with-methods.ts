/**
 * An object of which some methods are done otherwise; all others are its own. For a contract inside of a store, twice:
 * `withMethods(store, { fleet: withMethods(store.fleet, { … }) })`.
 */
export function withMethods<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name): unknown => {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name);
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
