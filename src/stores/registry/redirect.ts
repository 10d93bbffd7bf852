/** Where answers lead to. Guards that an answer over TLS never leads to one without. */
import { corrupt, DidiffError } from '../../errors.ts';
import { exchangeOnce, type RegistryAnswer, readBeginning } from './answer.ts';
import type { Exchange, Wire } from './wire.ts';

const MAX_REDIRECTS = 5;
const MAX_SKIPPED_BYTES = 64 << 10;

/**
 * Sends `exchange` and, when it only reads, goes where the answer leads. `headersFor` gives what only some origins may
 * see. Throws UNREACHABLE for a circle, CORRUPT_INPUT for a way that isn't safe.
 */
export async function followRedirects(
  wire: Wire,
  registry: string,
  exchange: Exchange,
  headersFor: (origin: string) => Readonly<Record<string, string>>,
): Promise<RegistryAnswer> {
  let url = exchange.url;
  for (let hops = 0; ; hops++) {
    const headers = { ...exchange.headers, ...headersFor(url.origin) };
    const answer = await exchangeOnce(wire, { ...exchange, url, headers });
    const { location } = answer.headers;
    const isRedirect = [301, 302, 303, 307, 308].includes(answer.status) && location !== undefined;
    if (!isRedirect || !['GET', 'HEAD'].includes(exchange.method)) return answer;
    await readBeginning(answer, MAX_SKIPPED_BYTES);
    if (hops >= MAX_REDIRECTS) {
      throw new DidiffError('UNREACHABLE', `${registry} redirects more than ${MAX_REDIRECTS} times`, {
        hint: 'The registry may be in trouble; try again later.',
      });
    }
    url = resolveLocation(registry, location, url);
  }
}

/** Where `location` leads from `base`. It may hold a signature, so messages name its origin alone. */
export function resolveLocation(registry: string, location: string | undefined, base: URL): URL {
  if (location === undefined || !URL.canParse(location, base.href)) {
    throw corrupt(`${registry} gives no address where one was expected (the Location header)`);
  }
  const url = new URL(location, base);
  const isDowngrade = base.protocol === 'https:' && url.protocol !== 'https:';
  if (isDowngrade || !['https:', 'http:'].includes(url.protocol)) {
    throw corrupt(
      `${registry} leads from ${base.protocol}// to ${url.protocol}//${url.host}, which is not safe`,
      {
        hint: 'Tell whoever runs the registry; behind a proxy, it must know its own address.',
      },
    );
  }
  return url;
}
