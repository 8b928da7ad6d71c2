// Builds the documentation's site, pages of docs/ and the library's comments, into build/site, and looks where its links lead: npm run docs
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Application, Converter, type DocumentReflection } from 'typedoc';
import { findDeadLinks } from './find-dead-links.ts';

const OUT = 'build/site';
const DECISION = /decisions\/(\d{4}|README)/;

await rm(OUT, { recursive: true, force: true });
const app = await Application.bootstrap({
  name: 'Upreel',
  entryPoints: ['src/index.ts'],
  readme: 'README.md',
  projectDocuments: ['docs/*.md', 'docs/decisions/*.md', 'CHANGELOG.md'],
  groupOrder: ['Guide', 'Functions', 'Classes', 'Interfaces', 'Type Aliases', 'Variables', '*', 'Decisions'],
  sort: ['alphabetical'],
  navigation: { includeGroups: true },
  router: 'structure',
  headings: { readme: false },
  disableSources: true,
  disableGit: true,
  excludePrivate: true,
  validation: { invalidLink: true, invalidPath: true, notExported: false },
});
app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
  nameDocument(document);
});
const project = await app.convert();
if (project === undefined) throw new Error('The sources could not be read.');
app.validate(project);
await app.generateDocs(project, OUT);
if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('The site has faults; see above.');
const dead = await findDeadLinks(OUT);
if (dead.length > 0) throw new Error(`These links lead nowhere:\n${dead.join('\n')}`);
console.log(`${path.join(OUT, 'index.html')}: all links lead somewhere`);

/** A page goes by its heading, decisions by their numbers too. */
function nameDocument(document: DocumentReflection): void {
  const file = document.project.files.getReflectionPath(document) ?? '';
  const title = /^# (?:\d{2,4}[:.] )?(.+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? document.name;
  const number = DECISION.exec(file)?.[1];
  document.name = number === undefined || number === 'README' ? title : `${number} ${title}`;
  document.frontmatter['group'] = number === undefined ? 'Guide' : 'Decisions';
}
