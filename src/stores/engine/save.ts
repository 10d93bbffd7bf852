/** Starts the stream in which an engine hands out an image. */
import type { Digest } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import type { EngineClient } from './client.ts';
import type { Engine } from './kind.ts';

/** What the stream is for: podman has a form for each. */
export type SavePurpose = 'documents' | 'layers';

/** The image's archive as it arrives; leaving it early ends the connection. */
export async function openSave(
  engine: Engine,
  id: Digest,
  purpose: SavePurpose,
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  const what = `save image ${id}`;
  if (engine.kind !== 'podman')
    return await engine.client.download({ path: `/images/${id}/get`, what, signal });
  const libpod = engine.client.withVersion(engine.libpodVersion!);
  const path = `/libpod/images/${id.slice('sha256:'.length)}`;
  const save = (format: string): Promise<AsyncIterable<Uint8Array>> =>
    libpod.download({ path: `${path}/get`, query: { format }, what, signal });
  if (purpose === 'documents') return await save(await formatKeepingConfig(libpod, path, signal));
  try {
    return await save('docker-archive');
  } catch (error) {
    if (!(error instanceof DidiffError) || !['USAGE', 'STORAGE'].includes(error.code)) throw error;
    // Some images don't fit that form, such as those that came with zstd layers: podman answers 400 or 500 then.
    const format = await formatKeepingConfig(libpod, path, signal);
    if (format === 'docker-archive') throw error;
    return await save(format);
  }
}

/**
 * podman rewrites the config when the archive's form isn't that of the stored manifest, and the ID with it. The layers
 * are the same in both, but compressed anew in the OCI form, which is therefore taken for documents only.
 */
async function formatKeepingConfig(
  libpod: EngineClient,
  path: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const json = await libpod.call({ path: `${path}/json`, what: 'inspect the image', signal });
  const type = ((json ?? {}) as Record<string, unknown>)['ManifestType'];
  return typeof type === 'string' && type.startsWith('application/vnd.oci.')
    ? 'oci-archive'
    : 'docker-archive';
}
