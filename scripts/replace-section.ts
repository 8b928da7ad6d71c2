/**
 * Puts `content` between the lines `<!-- NAME, written by SCRIPT -->` and `<!-- end of NAME -->` of a page, or such lines at its end where it has
 * none.
 */
export function replaceSection(page: string, name: string, script: string, content: string): string {
  const end = `<!-- end of ${name} -->`;
  const section = `<!-- ${name}, written by ${script} -->\n\n${content.trim()}\n\n${end}`;
  const from = page.indexOf(`<!-- ${name}, `);
  const to = page.indexOf(end);
  if (from < 0 || to < from) return `${page.trimEnd()}\n\n${section}\n`;
  return page.slice(0, from) + section + page.slice(to + end.length);
}
