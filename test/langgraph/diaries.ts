/** Diaries of nodes that ran, and of what was acknowledged, in order. */

/** What ran after it was acknowledged. */
export function repeated(diary: readonly string[]): string[] {
  const acknowledged = new Set<string>();
  return diary.filter((line) => {
    const [, what, node = ''] = /^(ran|acknowledged) (.+)$/.exec(line) ?? [];
    if (what === 'acknowledged') acknowledged.add(node);
    return what === 'ran' && acknowledged.has(node);
  });
}
