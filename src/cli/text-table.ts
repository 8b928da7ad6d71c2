import { stripVTControlCharacters, styleText } from 'node:util';

/** Lays out rows in columns, two spaces apart; the last column is wrapped at `width` under itself. */
export function layOutTable(rows: readonly (readonly string[])[], { width = 110, indent = 2 } = {}): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns - 1 }, (_, column) =>
    Math.max(0, ...rows.map((row) => measureText(row[column] ?? ''))),
  );
  const left = indent + widths.reduce((sum, column) => sum + column + 2, 0);
  const rest = Math.max(30, width - left);
  return rows
    .map((row) => {
      const head = widths.map((size, column) => padText(row[column] ?? '', size) + '  ').join('');
      const lines = wrapText(row[columns - 1] ?? '', rest);
      return (' '.repeat(indent) + head + lines.join(`\n${' '.repeat(left)}`)).trimEnd();
    })
    .join('\n');
}

/** A heading, bold on terminals. */
export function formatHeading(text: string, stream: NodeJS.WritableStream = process.stdout): string {
  return styleText('bold', text, { stream });
}

export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && measureText(line) + 1 + measureText(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function measureText(text: string): number {
  return stripVTControlCharacters(text).length;
}

function padText(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - measureText(text)));
}
