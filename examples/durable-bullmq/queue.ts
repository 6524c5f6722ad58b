/** The queue that existed before pawl came. */
export function queueName(prefix: string): string {
  return `${prefix}-videos`;
}
