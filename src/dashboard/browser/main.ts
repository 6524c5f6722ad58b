/** What the pages do with a script: they work without it. Everything it shows comes from the server, escaped there. */
import { choosing } from './choosing.ts';
import { copyButtons } from './copy.ts';
import { keys } from './keys.ts';
import { liveParts } from './live-parts.ts';
import { liveRun } from './live-run.ts';
import { liveOutput } from './live-output.ts';
import { filterRows } from './rows.ts';
import { scrubber } from './scrubber.ts';
import { theme } from './theme.ts';
import { showTimes } from './times.ts';

document.documentElement.classList.add('scripted');
theme();
showTimes(document);
copyButtons();
choosing();
keys();
const run = document.getElementById('run');
if (run !== null) {
  filterRows();
  scrubber();
  liveRun(run);
  liveOutput();
}
for (const list of document.querySelectorAll<HTMLElement>('#main > [data-live]:not(#run)'))
  liveParts(list);
