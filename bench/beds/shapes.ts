/** The runs that are played: of twenty small steps, of a few, and such as agents have really had. */
import { agentRuns } from '../agent-runs.ts';
import type { Shape } from './bed.ts';

export const agentShapes: readonly Shape[] = agentRuns.map((sizes, i) => ({
  name: `agent-${i}`,
  sizes,
}));

export const twenty: Shape = { name: 'twenty', sizes: Array.from({ length: 20 }, () => 10) };
export const one: Shape = { name: 'one', sizes: [10] };
export const five: Shape = { name: 'five', sizes: Array.from({ length: 5 }, () => 10) };

const byName = new Map([twenty, one, five, ...agentShapes].map((shape) => [shape.name, shape]));

export function shapeOf(name: string): Shape {
  const shape = byName.get(name);
  if (shape === undefined) throw new Error(`there is no shape ${name}`);
  return shape;
}

const text = 'A run survives the death of the process that executes it. '.repeat(2_000);

/** What a step comes to: about so many bytes when it is encoded. */
export function resultOf(step: number, bytes: number): { step: number; text?: string } {
  return bytes <= 10 ? { step } : { step, text: text.slice(0, Math.max(0, bytes - 22)) };
}
