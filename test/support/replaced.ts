/** A method of a class that is another one for a while, in this process only. */

/** Replaces a method by one that is made of it; what is returned takes it back. */
export function replaced<T extends object, K extends keyof T>(
  owner: T,
  name: K,
  by: (old: T[K]) => T[K],
): () => void {
  const old = owner[name];
  owner[name] = by(old);
  return () => {
    owner[name] = old;
  };
}
