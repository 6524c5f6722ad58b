/** Who held a run: a holding for each claim, and a gap for each worker that was lost. */
import type { ClaimedData, InterruptedData, RunEvent } from '../../core/event.ts';
import { colourCount } from '../owners.ts';
import type { Gap, Holding } from './timeline.ts';

type Draft<One> = { -readonly [Field in keyof One]: One[Field] };

/** The owner lets go of the run with these. */
const lettingGo = /^(run\.(completed|failed|cancelled|quarantined|retried)|operator\.paused)$/;

export class Owners {
  readonly #holdings: Draft<Holding>[] = [];
  readonly #gaps: Draft<Gap>[] = [];
  #open: Draft<Holding> | undefined;
  #lost: Draft<Gap> | undefined;
  #owner: string | undefined;
  #colour = 0;
  #last = 0;
  /** The events begin with the run itself; else somebody may have held it before. */
  #isWhole: boolean;

  constructor(isWhole: boolean) {
    this.#isWhole = isWhole;
  }

  take({ type, data, at, seq }: RunEvent): void {
    const time = at.getTime();
    if (type === 'run.claimed') {
      this.#claimed(data as ClaimedData, time, seq);
    } else if (type === 'run.interrupted') {
      this.#interrupted(data as InterruptedData, time);
    } else if (lettingGo.test(type)) {
      this.#close(time);
    } else if (!this.#isWhole && this.#open === undefined && this.#lost === undefined) {
      // The claim stands on an earlier page.
      this.#open = this.#hold({ from: time, worker: '', seq });
    }
    this.#isWhole = this.#isWhole || this.#open !== undefined;
    this.#last = time;
  }

  /** `end` is where the timeline ends; a run that is held now is so up to there. */
  drawn(
    end: number,
    isHeld: boolean,
  ): { readonly holdings: readonly Holding[]; readonly gaps: readonly Gap[] } {
    if (this.#open !== undefined) {
      this.#open.to = isHeld ? end : this.#last;
      this.#open.isOpen = isHeld;
    }
    if (this.#lost !== undefined) {
      this.#lost.to = end;
      this.#lost.isOpen = true;
    }
    return { holdings: this.#holdings, gaps: this.#gaps };
  }

  #claimed({ worker, takeover }: ClaimedData, time: number, seq: number): void {
    // Nothing tells when a run was parked: its owner is drawn up to the last that it wrote.
    this.#close(this.#last);
    if (this.#lost !== undefined) this.#lost.to = time;
    else if (takeover !== undefined) {
      const from = time - takeover.claimMs - takeover.detectMs;
      const { from: lost, reason } = takeover;
      this.#gaps.push({ from, to: time, lost, reason, isOpen: false });
    }
    this.#lost = undefined;
    if (this.#owner !== undefined && this.#owner !== worker) {
      this.#colour = (this.#colour + 1) % colourCount;
    }
    this.#owner = worker;
    this.#open = this.#hold({ from: time, worker, seq });
  }

  #interrupted({ worker, reason, detectMs }: InterruptedData, time: number): void {
    const seen = Math.max(time - detectMs, this.#open?.from ?? 0);
    this.#close(Math.max(seen, Math.min(this.#last, time)));
    const from = Math.min(time, Math.max(seen, this.#last));
    this.#lost = { from, to: time, lost: worker, reason, isOpen: false };
    this.#gaps.push(this.#lost);
  }

  #hold(begun: Omit<Holding, 'to' | 'colour' | 'isOpen'>): Draft<Holding> {
    const holding = { ...begun, to: begun.from, colour: this.#colour, isOpen: false };
    this.#holdings.push(holding);
    return holding;
  }

  #close(time: number): void {
    if (this.#open !== undefined) this.#open.to = Math.max(time, this.#open.from);
    this.#open = undefined;
  }
}
