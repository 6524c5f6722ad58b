/** What the fold keeps of effects, `effect:<name>`: that one was begun, and whether it happened is not known. */
import type { EffectState, StepResult } from './bookkeeping.ts';
import type { EffectData, RewoundData } from './event.ts';
import { rememberUndo } from './undo.ts';

/** The part of the fold that events of effects change. */
interface EffectsFold {
  readonly seq: number;
  readonly bookkeeping: ReadonlyMap<string, unknown>;
  step(name: string): StepResult | undefined;
  effect(name: string): EffectState | undefined;
  remember(field: string, value: unknown): void;
}

/** What events of effects do to the bookkeeping. */
export const rememberedOfEffects: Readonly<
  Record<string, (fold: EffectsFold, data: unknown) => void>
> = {
  'effect.begun': (fold, data) => {
    const { name, hasUndo } = data as EffectData;
    const begun = (fold.effect(name)?.begun ?? 0) + 1;
    const undo = hasUndo === true ? { hasUndo } : {};
    fold.remember(`effect:${name}`, { name, begun, ...undo } satisfies EffectState);
  },
  'effect.doubted': (fold, data) => {
    const { name } = data as EffectData;
    const begun = fold.effect(name)?.begun ?? 1;
    const doubted: EffectState = { ...fold.effect(name), name, begun, doubted: begun };
    fold.remember(`effect:${name}`, doubted);
    // Decisions about an earlier doubt do not decide this one.
    fold.remember(`signal:effect ${name}`, undefined);
  },
  'run.rewound': (fold, data) => {
    rememberUndo(fold, data as RewoundData);
    for (const name of (data as RewoundData).effects ?? []) {
      const before = fold.effect(name);
      const begun = Math.max(1, before?.begun ?? 0);
      if (fold.step(name)?.status !== 'completed') {
        const undo = before?.hasUndo === true ? { hasUndo: true } : {};
        fold.remember(`effect:${name}`, { name, begun, ...undo } satisfies EffectState);
      }
    }
  },
};
