/**
 * The referrers API before a registry that lacks it: a double, written from the distribution spec v1.1 ("Pushing Manifests
 * with Subject", "Listing Referrers"), for want of a real registry with that API on Debian. Everything else the registry
 * behind it does.
 */
import type { FrontAnswer, FrontHooks, FrontRequest } from './front.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const PAGE = 2;

interface Manifest {
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config?: { readonly mediaType?: string };
  readonly subject?: { readonly digest: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

export function referrersDouble(): FrontHooks {
  const lists = new Map<string, Map<string, object>>();
  return {
    before({ method, path, query }) {
      const hit = /^\/v2\/(.+)\/referrers\/(sha256:[0-9a-f]{64})$/.exec(path);
      if (hit === null || method !== 'GET') return undefined;
      const all = [...(lists.get(`${hit[1]} ${hit[2]}`)?.values() ?? [])];
      const start = Number(query.get('start') ?? 0);
      const more = start + PAGE < all.length;
      return {
        status: 200,
        headers: {
          'content-type': INDEX,
          ...(more ? { link: `<${path}?start=${start + PAGE}>; rel="next"` } : {}),
        },
        body: JSON.stringify({
          schemaVersion: 2,
          mediaType: INDEX,
          manifests: all.slice(start, start + PAGE),
        }),
      };
    },
    after(request, answer) {
      const hit = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(request.path);
      if (hit !== null && request.method === 'DELETE' && answer.status === 202)
        for (const list of lists.values()) list.delete(hit[2]!);
      if (hit === null || request.method !== 'PUT' || answer.status !== 201) return answer;
      return take(lists, hit[1]!, request, answer);
    },
  };
}

function take(
  lists: Map<string, Map<string, object>>,
  repository: string,
  { body }: FrontRequest,
  answer: FrontAnswer,
): FrontAnswer {
  const manifest = JSON.parse(body.toString()) as Manifest;
  const subject = manifest.subject?.digest;
  if (subject === undefined) return answer;
  const key = `${repository} ${subject}`;
  const list = lists.get(key) ?? new Map<string, object>();
  lists.set(key, list);
  const digest = answer.headers!['docker-content-digest']!;
  list.set(digest, {
    mediaType: manifest.mediaType,
    digest,
    size: body.length,
    artifactType: manifest.artifactType ?? manifest.config?.mediaType,
    ...(manifest.annotations === undefined ? {} : { annotations: manifest.annotations }),
  });
  return { ...answer, headers: { ...answer.headers, 'oci-subject': subject } };
}
