/** Text as it may stand in HTML, also between quotes. */
export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (letter) => entities[letter] ?? letter);
}

/** An address of a file beside the page: names may hold anything. */
export function escapeAddress(relative: string): string {
  return escapeHtml(relative.split('/').map(encodeURIComponent).join('/'));
}

/** A row of a table: a class for its mark, then its cells, already HTML. */
export interface TableRow {
  readonly mark?: 'ok' | 'warning' | 'failed';
  readonly cells: readonly string[];
}

/** A table under a heading; nothing where there are no rows. */
export function renderTable(heading: string, columns: readonly string[], rows: readonly TableRow[]): string {
  if (rows.length === 0) return '';
  const head = columns.some((column) => column !== '')
    ? `<thead><tr>${columns.map((column) => `<th>${column}</th>`).join('')}</tr></thead>`
    : '';
  const body = rows
    .map(({ mark, cells }) => {
      const kind = mark === undefined ? '' : ` class="${mark}"`;
      return `<tr${kind}>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
    })
    .join('\n');
  return `<section>\n<h2>${heading}</h2>\n<table>${head}\n<tbody>\n${body}\n</tbody></table>\n</section>`;
}

/** A whole page, which needs nothing from elsewhere. */
export function renderPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --ok: #2a9d55; --warning: #b7791f; --failed: #d43c3c; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 24px; }
h1 { font-size: 24px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 32px 0 8px; }
p { margin: 4px 0; }
.sub { opacity: .7; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; opacity: .7; }
th, td { padding: 6px 16px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
th, td:first-child { white-space: nowrap; }
tr.ok td:first-child { color: var(--ok); } tr.warning td:first-child { color: var(--warning); } tr.failed td:first-child { color: var(--failed); font-weight: 600; }
code, pre { font: 13px/1.5 ui-monospace, monospace; }
pre { background: var(--soft); padding: 12px; border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
.numbers { display: flex; flex-wrap: wrap; gap: 8px 32px; margin: 16px 0; }
.numbers div { min-width: 90px; } .numbers b { display: block; font-size: 19px; }
figure { margin: 0 0 24px; }
figcaption { display: flex; justify-content: space-between; opacity: .7; }
.compare { position: relative; line-height: 0; }
.compare img { width: 100%; height: auto; border-radius: 4px; }
.compare img + img { position: absolute; inset: 0; clip-path: inset(0 0 0 var(--at, 50%)); }
.compare::after { content: ''; position: absolute; top: 0; bottom: 0; left: var(--at, 50%); width: 2px; background: #fff; box-shadow: 0 0 3px #000; pointer-events: none; }
.compare input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize; }
.compare:focus-within { outline: 2px solid var(--ok); outline-offset: 2px; }
.trio { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 8px; }
.curve { width: 100%; height: auto; font-size: 13px; fill: currentColor; }
.curve polyline { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linejoin: round; }
.curve circle { fill: var(--failed); } .curve .grid { stroke: var(--line); }
img.wide { max-width: 100%; height: auto; }
.thumb { width: 160px; border-radius: 3px; display: block; }
`;
