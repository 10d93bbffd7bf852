/**
 * A report as one HTML page that needs nothing else. Guards that nothing from an image is ever markup or script: texts
 * are escaped, data is JSON that no parser of HTML looks into, and a policy lets only this page's own script run.
 */
import { createHash } from 'node:crypto';
import { PAGE_SCRIPT, PAGE_STYLE } from './assets.ts';
import type { Advice, Bar, FileCost, Report } from './model.ts';

/** A number of bytes for people. */
export type FormatBytes = (bytes: number) => string;

/** The page's text. The same report gives the same bytes. */
export function renderPage(report: Report, formatBytes: FormatBytes): string {
  const { title, facts, measure, kinds, files, bars, barsTitle, advice } = report;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src '${hashOf(PAGE_STYLE)}'; script-src '${hashOf(PAGE_SCRIPT)}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
<dl>
${facts.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('\n')}
</dl>
</header>
<main>
${renderBars(barsTitle, bars, formatBytes)}
${renderAdvice(advice, formatBytes)}
<section aria-labelledby="map-title">
<h2 id="map-title">${escapeHtml(measure)}</h2>
<p class="faint" id="here"></p>
<nav aria-label="Folder"><ol id="way"></ol></nav>
<div id="map" role="group" aria-label="Treemap of the folder: choose a part to look into it, Escape to go back"></div>
<ul class="legend" aria-label="Colours">
${kinds.map((kind, at) => `<li><span class="mark kind-${at}"></span>${escapeHtml(kind)}</li>`).join('\n')}
</ul>
</section>
<section id="files" aria-labelledby="files-title">
<h2 id="files-title">Files</h2>
<div class="find">
<label for="search">Find</label>
<input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="part of a path, or ${escapeHtml(kinds[0] ?? '')}">
<span id="found" role="status" class="faint"></span>
</div>
<table>
<caption class="faint">Choose a column's name to sort by it.</caption>
<thead><tr>
<th scope="col" data-sort="path"><button type="button">Path</button></th>
<th scope="col" data-sort="bytes" class="number"><button type="button">Bytes</button></th>
<th scope="col" data-sort="size" class="number"><button type="button">File size</button></th>
<th scope="col" data-sort="how"><button type="button">How</button></th>
</tr></thead>
<tbody></tbody>
</table>
<button type="button" id="more" hidden>Show more</button>
<noscript><p>The list and the treemap need scripts to be allowed; the page sends nothing anywhere.</p></noscript>
</section>
</main>
<footer>Made by didiff. This page is whole in itself: it loads nothing and sends nothing.</footer>
<script type="application/json" id="data">${dataJson(files, kinds)}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

/** Colours alone never tell: each part's words stand below the bar. */
function renderBars(title: string, bars: readonly Bar[], formatBytes: FormatBytes): string {
  if (bars.length === 0) return '';
  const most = Math.max(1, ...bars.map(({ parts }) => parts.reduce((sum, { bytes }) => sum + bytes, 0)));
  const percent = (bytes: number) => `${((bytes / most) * 100).toFixed(2)}%`;
  const rows = bars.map(({ label, parts }) => {
    let before = 0;
    const drawn = parts.map(({ bytes, colour }) => {
      const x = before;
      before += bytes;
      return `<rect class="kind-${colour}" x="${percent(x)}" width="${percent(bytes)}" height="100%"/>`;
    });
    const words = parts.map(
      ({ label: name, bytes, colour }) =>
        `<span class="mark kind-${colour}"></span>${escapeHtml(name)} ${formatBytes(bytes)}`,
    );
    return `<li>${escapeHtml(label)}<svg class="bar" width="100%" aria-hidden="true">${drawn.join('')}</svg>
<span class="faint">${words.join(' &nbsp; ')}</span></li>`;
  });
  return `<section aria-labelledby="bars-title">
<h2 id="bars-title">${escapeHtml(title)}</h2>
<ul class="bars">
${rows.join('\n')}
</ul>
</section>`;
}

function renderAdvice(advice: readonly Advice[], formatBytes: FormatBytes): string {
  if (advice.length === 0) return '';
  const items = advice.map(({ title, text, savesBytes, pathCount, paths }) => {
    const some = paths.map((path) => `<code>${escapeHtml(path)}</code>`).join(', ');
    const more = pathCount > paths.length ? ` and ${pathCount - paths.length} more` : '';
    const saves = savesBytes > 0 ? ` <span class="faint">up to ${formatBytes(savesBytes)}</span>` : '';
    return `<li><strong>${escapeHtml(title)}</strong>${saves}<br>${escapeHtml(text)}${some === '' ? '' : `<br>${some}${more}`}</li>`;
  });
  return `<section aria-labelledby="advice-title">
<h2 id="advice-title">Advice</h2>
<ol class="advice">
${items.join('\n')}
</ol>
</section>`;
}

/** Columns, not objects: 50,000 files are then some three megabytes, and parsed in no time. */
function dataJson(files: readonly FileCost[], kinds: readonly string[]): string {
  const details = files.flatMap(({ detail }, at) => (detail === undefined ? [] : [[at, detail] as const]));
  const data = {
    paths: files.map(({ path }) => path),
    bytes: files.map(({ bytes }) => bytes),
    sizes: files.map(({ sizeBytes }) => sizeBytes),
    kinds: files.map(({ kind }) => kind),
    kindNames: kinds,
    details: Object.fromEntries(details),
  };
  // No `<` at all, so neither `</script` nor `<!--` can end or change the element.
  return JSON.stringify(data).replaceAll('<', '\\u003c');
}

/** Text as text and in attributes between quotation marks. Other control characters have no place in HTML. */
export function escapeHtml(text: string): string {
  return text
    .replace(/[\p{Cc}\ud800-\udfff\u2028-\u202e\u2066-\u2069]/gu, '\ufffd')
    .replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
