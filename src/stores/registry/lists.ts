/** Lists of a repository, page by page: its tags, and what refers to a manifest (distribution spec: content discovery). */
import type { Digest } from '../../bytes/digest.ts';
import { corrupt, DidiffError } from '../../errors.ts';
import { type Descriptor, MAX_MANIFEST_BYTES, parseIndex, parseObject } from '../../image/manifest.ts';
import { OCI_INDEX } from '../../image/media-types.ts';
import { type RegistryAnswer, readBeginning } from './answer.ts';
import { apiPath, type CallOptions, pullScope, type RepositoryPlace } from './place.ts';
import { resolveLocation } from './redirect.ts';
import { readWhole } from './whole.ts';

/** A page without end, or one that leads back, ends here. */
const MAX_PAGES = 1000;
const MAX_SKIPPED_BYTES = 64 << 10;

/** See `Repository.listTags`. */
export async function listTags(
  place: RepositoryPlace,
  { signal }: CallOptions = {},
): Promise<readonly string[]> {
  const what = `the list of tags of ${place.name}`;
  const tags = new Set<string>();
  for await (const page of readPages(place, 'tags/list?n=1000', what, {}, signal)) {
    const found = parseObject(page, what, MAX_MANIFEST_BYTES)['tags'] ?? [];
    if (!Array.isArray(found)) throw corrupt(`${what} is no list`);
    for (const tag of found) if (typeof tag === 'string') tags.add(tag);
  }
  return [...tags].sort();
}

/** See `Repository.listReferrers`. */
export async function listReferrers(
  place: RepositoryPlace,
  digest: Digest,
  { signal }: CallOptions = {},
): Promise<readonly Descriptor[] | undefined> {
  const what = `the referrers of ${place.name}@${digest}`;
  const found = new Map<Digest, Descriptor>();
  let pages = 0;
  const headers = { accept: OCI_INDEX };
  for await (const page of readPages(place, `referrers/${digest}`, what, headers, signal)) {
    pages++;
    for (const referrer of parseIndex(page, what)) found.set(referrer.digest, referrer);
  }
  // With the API there is always an answer, an empty index at least.
  return pages === 0 ? undefined : [...found.values()];
}

/** The pages that lead from one to the next; none where there is nothing. */
async function* readPages(
  place: RepositoryPlace,
  start: string,
  what: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let next: string | URL | undefined = apiPath(place, start);
  for (let pages = 0; next !== undefined; pages++) {
    if (pages >= MAX_PAGES) throw new DidiffError('LIMIT', `${what} has more than ${MAX_PAGES} pages`);
    const answer: RegistryAnswer = await place.connection.call({
      path: next,
      what: `read ${what}`,
      scopes: pullScope(place),
      headers,
      expect: [404, 405],
      signal,
    });
    if (answer.status >= 400) {
      await readBeginning(answer, MAX_SKIPPED_BYTES);
      return;
    }
    yield await readWhole(place, answer, what, MAX_MANIFEST_BYTES, signal);
    next = nextPage(place, answer);
  }
}

/** Where `Link: <…>; rel="next"` leads (RFC 8288). */
function nextPage({ connection }: RepositoryPlace, answer: RegistryAnswer): URL | undefined {
  const link = /<([^>]*)>\s*;\s*rel="?next"?/i.exec(String(answer.headers['link'] ?? ''))?.[1];
  return link === undefined ? undefined : resolveLocation(connection.registry, link, answer.url);
}
