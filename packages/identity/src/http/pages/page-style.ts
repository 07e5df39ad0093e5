/*
 * How our pages look: one column that fits a telephone, the fonts of the system, light and dark as the reader has
 * it. Contrast is at least 4.5 to 1 for texts and 3 to 1 for what is drawn (WCAG 2.2, 1.4.3 and 1.4.11).
 */

const colours = `
:root{color-scheme:light dark;
--ground:#f3f1ec;--paper:#fffefb;--ink:#1b2130;--soft:#535b6c;--line:#dcd8ce;--field:#fff;--edge:#7d8494;
--accent:#27497c;--accent-over:#1a365f;--on-accent:#fff;
--good:#e3f0e4;--on-good:#1a4524;--bad:#fbe8e6;--on-bad:#87190f}
@media (prefers-color-scheme:dark){:root{
--ground:#10141c;--paper:#181e29;--ink:#e9ebf1;--soft:#a9b1c1;--line:#2d3545;--field:#10141c;--edge:#7c869c;
--accent:#a1bff2;--accent-over:#c3d8fa;--on-accent:#0f203c;
--good:#152f1d;--on-good:#b4e2c0;--bad:#3a1818;--on-bad:#ffbab2}}`

const frame = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100svh;background:var(--ground);color:var(--ink);
font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;overflow-wrap:anywhere}
.column{max-width:29rem;margin:0 auto;padding:clamp(1.25rem,7vh,4.5rem) 1rem 3rem}
.wide .column{max-width:42rem}
.brand{display:flex;align-items:center;gap:.7rem;margin:0 .25rem 1.25rem}
.brand svg{flex:none;width:2.1rem;height:2.1rem;color:var(--accent)}
.brand p{margin:0;line-height:1.25}
.brand strong{display:block;font-weight:650;letter-spacing:.01em}
.brand span{color:var(--soft);font-size:.9rem}
main{background:var(--paper);border:1px solid var(--line);border-radius:.9rem;padding:clamp(1.25rem,5vw,2.25rem)}
h1{margin:0 0 1.25rem;font-size:1.5rem;line-height:1.25;font-weight:650;letter-spacing:-.01em}
h2{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem .6rem;margin:0;font-size:1.05rem;line-height:1.35;font-weight:650}
p{margin:0 0 1rem}
main>:last-child,form>:last-child{margin-bottom:0}
.soft{color:var(--soft)}
nav{margin:1.25rem .25rem 0;display:flex;flex-wrap:wrap;gap:.4rem 1.5rem}
nav form{margin:0}
nav button{min-height:0;padding:0;border:0;font-weight:400;color:var(--accent);text-decoration:underline;text-underline-offset:.2em}
nav button:hover{color:var(--accent-over)}
a{color:var(--accent);text-underline-offset:.2em}
a:hover{color:var(--accent-over)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}`

const forms = `
form{margin:0 0 1rem}
label{display:block;margin:0 0 .35rem;font-weight:600}
.entry{margin:0 0 1.1rem}
.entry .soft{margin:.35rem 0 0;font-size:.9rem}
input{display:block;width:100%;min-height:2.9rem;padding:.6rem .8rem;font:inherit;color:inherit;background:var(--field);
border:1px solid var(--edge);border-radius:.55rem}
[hidden],input[type=hidden]{display:none}
input[aria-invalid]{border-color:var(--on-bad);box-shadow:inset 0 0 0 1px var(--on-bad)}
button,.button{display:inline-block;min-height:2.9rem;padding:.6rem 1.1rem;font:inherit;font-weight:600;text-align:center;
text-decoration:none;cursor:pointer;border-radius:.55rem;border:1px solid var(--edge);background:none;color:var(--ink)}
button:hover,.button:hover{border-color:var(--ink);color:var(--ink)}
.main+.soft{margin-top:1rem}
.main{width:100%;background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
.main:hover{background:var(--accent-over);border-color:var(--accent-over);color:var(--on-accent)}
.secret{display:flex;gap:.5rem}
.secret input{flex:1;min-width:0}
.secret button{flex:none;padding-inline:.9rem}
[role=alert],[role=status]{margin:0 0 1.25rem;padding:.75rem 1rem;border-radius:.55rem}
[role=alert]{background:var(--bad);color:var(--on-bad)}
[role=status]{background:var(--good);color:var(--on-good)}
.wrong[role=alert]{margin:0 0 .4rem;padding:0;background:none;font-size:.95rem;line-height:1.4}`

const lists = `
.choices,.sessions{list-style:none;margin:0 0 1.25rem;padding:0}
.choices li,.sessions li{border-top:1px solid var(--line)}
.choices li:last-child,.sessions li:last-child{border-bottom:1px solid var(--line)}
.choices a{display:block;padding:.85rem 0;text-decoration:none}
.choices a span{display:block;color:var(--soft);font-size:.9rem}
.sessions li{display:flex;flex-wrap:wrap;align-items:center;gap:.75rem 1.25rem;padding:1.1rem 0}
.sessions li>div{flex:1 1 15rem;min-width:0}
.sessions form{margin:0}
.sessions p{margin:.2rem 0 0;color:var(--soft);font-size:.9rem}
.sessions time{white-space:nowrap}
.here{padding:.05rem .55rem;border-radius:1rem;font-size:.8rem;font-weight:600;
background:var(--good);color:var(--on-good)}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin:0}
.actions form{margin:0}`

export const pageStyle: string = [colours, frame, forms, lists].join('').replaceAll('\n', '')
