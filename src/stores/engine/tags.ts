/** Gives an image its names. All or none: what a failure leaves half done is put back as it was. */
import type { Digest } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import {
  familiarImageName,
  formatImageName,
  type ImageName,
  parseTagOption,
} from '../../image/image-name.ts';
import { imagePath } from './client.ts';
import { inspectImage } from './images.ts';
import type { Engine } from './kind.ts';

/** How long a name may take to be put back. */
const RESTORE_MS = 30_000;

/** Reads the names an image is to get; each once. Throws USAGE. */
export function parseNames(names: readonly string[]): readonly ImageName[] {
  const parsed = new Map(names.map((name) => [formatImageName(parseTagOption(name)), parseTagOption(name)]));
  return [...parsed.values()];
}

/** Where a name led before. */
interface Former {
  readonly name: ImageName;
  readonly id: Digest | undefined;
}

/**
 * Points `names` at the image. After a failure or an abort those already moved lead again where they led before,
 * and the error is thrown.
 */
export async function tagImage(
  engine: Engine,
  id: Digest,
  names: readonly ImageName[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const moved: Former[] = [];
  try {
    for (const name of names) {
      const former = await inspectImage(engine, formatImageName(name), signal);
      if (former?.id === id) continue;
      moved.push({ name, id: former?.id });
      await tag(engine, id, name, signal);
    }
  } catch (error) {
    for (const former of moved.reverse()) await restore(engine, id, former);
    throw error;
  }
}

async function tag(
  engine: Engine,
  id: Digest,
  name: ImageName,
  signal: AbortSignal | undefined,
): Promise<void> {
  await engine.client.call({
    method: 'POST',
    path: `/images/${imagePath(id)}/tag`,
    query: { repo: `${name.registry}/${name.repository}`, tag: name.tag },
    what: `tag the image as ${familiarImageName(name)}`,
    signal,
  });
}

/** Best effort, after a failure that is reported already. */
async function restore(engine: Engine, id: Digest, former: Former): Promise<void> {
  const signal = AbortSignal.timeout(RESTORE_MS);
  try {
    if (former.id !== undefined) return await tag(engine, former.id, former.name, signal);
    const now = await inspectImage(engine, formatImageName(former.name), signal);
    // The image itself must stay: removing its last name would remove it too, where it was there before.
    if (now?.id === id && now.names.length > 1)
      await removeImage(engine, formatImageName(former.name), signal);
  } catch {
    // The first failure is the one to report.
  }
}

/** Removes a name, or an image by its ID with the parents that nothing else uses; one that isn't there is no error. */
export async function removeImage(
  engine: Engine,
  reference: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await engine.client.call({
      method: 'DELETE',
      path: `/images/${imagePath(reference)}`,
      what: `remove image ${reference}`,
      signal,
    });
  } catch (error) {
    if (!(error instanceof DidiffError) || error.code !== 'NOT_FOUND') throw error;
  }
}
