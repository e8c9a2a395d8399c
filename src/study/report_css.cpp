#include "study/report.h"

namespace ks {

const char* const report_css = R"css(
:root { --ink: #1c2430; --soft: #5b6675; --faint: #8a94a1; --line: #dfe4ea; --panel: #f6f8fa; --accent: #1f5fa8;
  --rank: 31, 95, 168; --against: 190, 58, 38; }
* { box-sizing: border-box; }
html { background: #fff; color: var(--ink); font: 15px/1.5 Inter, "Segoe UI", Helvetica, Arial, sans-serif;
  -webkit-print-color-adjust: exact; print-color-adjust: exact; }
body { margin: 0 auto; max-width: 1280px; padding: 40px 32px 64px; }
header { border-bottom: 2px solid var(--ink); margin-bottom: 28px; padding-bottom: 16px; }
.eyebrow { color: var(--accent); font-size: 12px; font-weight: 600; letter-spacing: .08em; text-transform: uppercase; }
h1 { font-size: 30px; line-height: 1.2; margin: 4px 0 8px; }
h2 { font-size: 20px; margin: 40px 0 6px; }
h3 { font-size: 16px; margin: 30px 0 4px; }
p { margin: 6px 0; max-width: 82ch; }
.facts, .note, .small { color: var(--soft); }
.note, .small { font-size: 13px; }
.facts span { display: inline-block; }
.facts span + span::before { color: var(--faint); content: "·"; margin: 0 8px; }
a { color: var(--accent); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin-top: 12px; }
th, td { border-bottom: 1px solid var(--line); padding: 6px 10px; text-align: left; vertical-align: top; }
thead th { border-bottom: 1px solid var(--ink); font-size: 12.5px; font-weight: 600; line-height: 1.3; vertical-align: bottom; }
tbody th { font-weight: 500; }
.number { text-align: right; white-space: nowrap; }
.ranking td.cell { min-width: 84px; text-align: center; }
.ranking td .score { display: block; font-size: 12px; opacity: .8; }
.ranking td.strong { color: #fff; }
.ranking .overall { font-size: 17px; font-weight: 600; text-align: center; }
.ranking tr.best th { font-weight: 700; }
.ranking thead th.cell, .ranking thead th.overall { font-size: 12.5px; text-align: center; }
th.name { background: #fff; left: 0; position: sticky; z-index: 1; }
.ranking .families th { border: 0; padding-bottom: 0; }
.ranking .family { color: var(--soft); font-size: 11.5px; font-weight: 600; text-align: left; }
.ranking td.whole { font-weight: 600; }
.ranking thead th.whole { color: var(--soft); font-weight: 500; }
.dense, .matrix { border-collapse: separate; border-spacing: 0; font-size: 11.5px; }
.dense th, .dense td, .matrix th, .matrix td { padding: 2px 4px; vertical-align: middle; }
.dense th.name, .matrix th.name { max-width: 280px; min-width: 190px; padding-right: 10px; }
.controls th.name { min-width: 190px; }
.dense thead th, .matrix thead th { font-size: 11.5px; vertical-align: bottom; }
.dense td.cell, .dense thead th.cell { min-width: 27px; }
.dense .overall { font-size: 13px; }
.dense .families th.family { border-left: 1px solid #fff; padding-left: 6px; white-space: nowrap; }
.dense .turned, .matrix .turned { display: inline-block; max-height: 230px; transform: rotate(180deg);
  writing-mode: vertical-rl; }
.matrix td { border: 1px solid #fff; font-size: 10px; height: 22px; min-width: 25px; padding: 0 2px; text-align: center; }
.matrix th { border: 0; font-weight: 500; }
.matrix thead th { padding: 0 3px 4px; }
.matrix tbody th.name { font-size: 12px; text-align: right; white-space: nowrap; }
.matrix td.strong { color: #fff; }
.matrix td.self { background: var(--panel); }
.matrix td.outlined { box-shadow: inset 0 0 0 2px rgb(var(--against)); }
.chart { display: block; height: auto; margin-top: 12px; min-width: 760px; width: 980px; max-width: 100%; }
.controls td, .controls th, .annotations td, .annotations th { font-size: 13px; padding: 4px 10px; vertical-align: middle; }
.controls tr.family th { border-bottom: 1px solid var(--line); color: var(--soft); font-size: 12px; font-weight: 600; padding-top: 12px; }
.controls .way { display: inline; margin-left: 8px; }
.controls .doubtful { color: #a5520a; font-weight: 600; }
.verdict { border-radius: 3px; font-size: 12px; padding: 2px 7px; white-space: nowrap; }
.verdict.tells { background: #e3f1e6; color: #1c6131; }
.verdict.cannot-tell { background: #fdecd2; color: #8a4b06; }
.verdict.unchecked { background: var(--panel); color: var(--soft); }
.annotations td.same { color: var(--faint); }
.annotations .sum th, .annotations .sum td { border-top: 1px solid var(--ink); }
.way { color: var(--soft); display: block; font-size: 11.5px; font-weight: 400; white-space: nowrap; }
.grid { border-collapse: separate; border-spacing: 3px; margin-left: -3px; max-width: 100%; table-layout: fixed; width: max-content; }
.grid .corner { width: 116px; }
.grid th, .grid td { border: 0; padding: 0; }
.grid thead th { border: 0; font-size: 11.5px; height: 1px; padding: 0 2px 3px; text-align: center; }
.grid tbody th { font-size: 12px; line-height: 1.35; padding-right: 8px; text-align: right; vertical-align: middle; }
.grid img { display: block; height: auto; width: 100%; }
.grid td { vertical-align: middle; }
.grid thead th { hyphens: auto; vertical-align: bottom; width: 104px; }
.grid .small { font-size: 11.5px; }
.grid .none { background: var(--panel); color: var(--faint); font-size: 11px; padding: 8px 4px; text-align: center; }
.id { color: var(--ink); font-weight: 600; overflow-wrap: anywhere; }
.legend { align-items: center; color: var(--soft); display: flex; flex-wrap: wrap; font-size: 13px; gap: 4px 22px; margin-top: 8px; }
.legend span { align-items: center; display: inline-flex; gap: 7px; }
.legend img { border: 1px solid var(--line); height: 12px; width: 150px; }
.legend i { border: 2px solid rgb(0, 200, 40); display: inline-block; height: 12px; width: 18px; }
details { border-top: 1px solid var(--line); padding: 8px 0; }
details:last-of-type { border-bottom: 1px solid var(--line); }
summary { cursor: pointer; font-weight: 500; }
details table { font-size: 13px; }
details td, details th { padding: 4px 9px; }
.warnings { background: #fff8e6; border-left: 4px solid #d99a1c; margin-top: 16px; padding: 10px 16px; }
.warnings ul { margin: 4px 0; padding-left: 20px; }
code, pre { font: 12.5px/1.5 "JetBrains Mono", Consolas, "DejaVu Sans Mono", monospace; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 4px; margin: 8px 0; overflow-x: auto;
  padding: 10px 12px; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.link { max-height: 7.5em; overflow-y: auto; }
.reference td, .reference th { font-size: 13.5px; }
.reference td:first-child, .reference th:first-child { white-space: nowrap; }
.parameters { font-size: 12.5px; }
footer { border-top: 1px solid var(--line); color: var(--soft); font-size: 13px; margin-top: 48px; padding-top: 12px; }
@media print {
  @page { margin: 12mm; size: A4 landscape; }
  html { font-size: 11px; }
  body { max-width: none; padding: 0; }
  h2 { break-after: avoid; margin-top: 22px; }
  tr, .warnings { break-inside: avoid; }
  .scroll { overflow: visible; }
  th.name { position: static; }
  .dense th.name, .matrix th.name { min-width: 110px; }
  h3, .note { break-after: avoid; }
  .chart { break-inside: avoid; }
  .dense, .dense thead th { font-size: 8px; }
  .dense th, .dense td { padding: 1px 2px; }
  .dense td.cell, .dense thead th.cell, .matrix td { min-width: 0; }
  .matrix td { font-size: 7px; height: 14px; }
  .matrix thead th, .matrix tbody th.name { font-size: 8px; }
  pre.link { max-height: none; overflow: visible; }
  .screen-only { display: none; }
}
)css";

}  // namespace ks
