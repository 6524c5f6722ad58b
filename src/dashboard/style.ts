/** The one stylesheet: light and dark by what the reader's system asks for, and readable from 320 px on. */
export const style = `
:root { color-scheme: light dark; --ground: #fff; --panel: #f5f6f8; --line: #d5d9e0; --ink: #1b2028;
  --dim: #565f6d;
  --link: #0b57c4; --good: #14692f; --bad: #b3211b; --warn: #8a4b00; --busy: #0b57c4; }
@media (prefers-color-scheme: dark) { :root { --ground: #13161b; --panel: #1c2027; --line: #363c47;
  --ink: #e6e9ee;
  --dim: #a3acba; --link: #82b4ff; --good: #6fd58e; --bad: #ff8f88; --warn: #f4b860; --busy: #82b4ff; } }
* { box-sizing: border-box; }
body { margin: 0; overflow-wrap: anywhere; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
a { color: var(--link); }
a:focus-visible, button:focus-visible, input:focus-visible, textarea:focus-visible,
  select:focus-visible, summary:focus-visible,
  pre:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -9999px; } .skip:focus { left: 1rem; top: .5rem;
  background: var(--ground); padding: .5rem; }
header, main, footer { max-width: 76rem; margin: 0 auto; padding: 0 1rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: baseline; padding-block: .75rem;
  border-bottom: 1px solid var(--line); }
header strong { font-size: 1.1rem; } nav a { margin-right: 1rem; }
  nav a[aria-current] { color: var(--ink); font-weight: 600; }
footer { color: var(--dim); padding-block: 1.5rem; }
h1 { font-size: 1.35rem; margin: 1rem 0 .5rem; overflow-wrap: anywhere; } h2 { font-size: 1.05rem;
  margin: 1.5rem 0 .5rem; }
form.filter, .acts { display: flex; flex-wrap: wrap; gap: .5rem .75rem; align-items: end;
  margin: .75rem 0; }
.acts form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; padding: .5rem;
  border: 1px solid var(--line);
  border-radius: 6px; }
ul.inbox { list-style: none; padding: 0; margin: 1rem 0; display: grid; gap: 1rem;
  grid-template-columns: minmax(0, 1fr); }
ul.inbox > li { border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; }
ul.inbox h2 { margin: 0 0 .25rem; } ul.inbox p { margin: .25rem 0; }
ul.inbox .acts { margin: .5rem 0 0; } .acts textarea { width: min(20rem, 72vw); min-height: 4.5rem; }
label { display: flex; flex-direction: column; font-size: .85rem; color: var(--dim); }
input, select, textarea, button { font: inherit; color: var(--ink); background: var(--ground);
  border: 1px solid var(--dim);
  border-radius: 5px; padding: .3rem .5rem; min-height: 2.25rem; max-width: 100%; }
button { background: var(--panel); cursor: pointer; font-weight: 600; }
.counts { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; list-style: none; margin: .5rem 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th, td { overflow-wrap: normal; } td bdi { overflow-wrap: anywhere; } td:has(bdi) { min-width: 8rem; }
td:not(:has(bdi, pre)) { white-space: nowrap; }
th { font-size: .8rem; color: var(--dim); font-weight: 600; white-space: nowrap; }
time { white-space: nowrap; } .dim { color: var(--dim); }
  code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .6rem;
  margin: .25rem 0;
  overflow: auto; max-height: 24rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.status { font-weight: 600; white-space: nowrap; } .completed { color: var(--good); }
.failed, .quarantined { color: var(--bad); } .interrupted, .waiting { color: var(--warn); }
  .running { color: var(--busy); }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .5rem 1rem;
  margin: .75rem 0; }
dt { font-size: .8rem; color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
.error { border-left: 4px solid var(--bad); padding: .25rem .75rem; background: var(--panel); }
ol.events { list-style: none; padding: 0; margin: 0; }
ol.events > li { border-left: 5px solid var(--line); padding: .3rem .75rem;
  border-bottom: 1px solid var(--line); }
ol.events > li.colour-0 { border-left-color: #3b7ddd; }
ol.events > li.colour-1 { border-left-color: #c2681a; }
ol.events > li.colour-2 { border-left-color: #2c8f5e; }
ol.events > li.colour-3 { border-left-color: #a04cc0; }
ol.events > li.nobody { border-left-style: dotted; border-left-color: var(--dim); }
ol.events > li.turn.nobody { border-left-color: var(--bad); }
ol.events > li.turn { background: var(--panel); font-weight: 600; }
.turn pre, .turn .dim { font-weight: 400; }
ol.events .head { display: flex; flex-wrap: wrap; gap: 0 .75rem; align-items: baseline;
  padding-left: 4.75rem; }
summary { cursor: pointer; }
.seq { width: 4rem; margin-left: -4.75rem; color: var(--dim); font-weight: 400;
  font-variant-numeric: tabular-nums; }
.seq::before { content: '▸ ' / ''; } details[open] .seq::before { content: '▾ ' / ''; }
@media (max-width: 40rem) { table.stack thead { position: absolute; left: -9999px; }
  table.stack tr { display: block; border-bottom: 1px solid var(--line); padding: .4rem 0; }
  table.stack td { display: inline-block; border: 0; padding: 0 .75rem 0 0; min-width: 0;
    max-width: 100%; }
  table.stack td:first-child { display: block; } }
`;
