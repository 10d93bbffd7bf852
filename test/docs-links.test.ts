/** No link of a document leads nowhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

describe('the links of the documents', () => {
  const documents = ['README.md', 'CHANGELOG.md', ...readdirSync('docs').map((name) => `docs/${name}`)];
  it.each(documents.filter((name) => name.endsWith('.md')))('of %s lead to files that are there', (name) => {
    const links = [...readFileSync(name, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, to]) => to!);
    expect(links.filter((to) => !existsSync(join(dirname(name), to)))).toEqual([]);
  });
});
