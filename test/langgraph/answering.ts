/** A person who answers what graphs ask. */
import { PawlError, type RunHandle } from '../../src/index.ts';

/** Answers what stands open, until the run has ended. */
export async function answerAll(
  run: RunHandle,
  answerOf: (label: string) => unknown,
): Promise<string[]> {
  const labels: string[] = [];
  const answered = new Set<string>();
  for (;;) {
    const info = await run.info();
    if (['completed', 'failed', 'cancelled'].includes(info.status)) return labels;
    for (const wait of info.waits) {
      if (answered.has(wait.name)) continue;
      answered.add(wait.name);
      labels.push(String(wait.label));
      // What is read of a run may be older than the answer.
      await run.answer(wait.name, answerOf(String(wait.label))).catch((error: unknown) => {
        if (!PawlError.is(error) || error.code !== 'PAWL_ANSWERED') throw error;
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
