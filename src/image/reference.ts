/**
 * Image references as written on the command line, after skopeo's transports. Says only what a text means; whether
 * anything is there is for the stores to find out. Guards that parse(format(x)) is x.
 */
import { DidiffError } from '../errors.ts';
import { formatImageName, type ImageName, parseImageName, withDefaultTag } from './image-name.ts';

export type FileTransport = 'docker-archive' | 'oci' | 'oci-archive';

export type ImageReference =
  /** A name, an ID or an ID prefix, for the engine to tell apart. `explicit`: written with `docker-daemon:`. */
  | { readonly transport: 'engine'; readonly text: string; readonly explicit: boolean }
  /** A file or directory, and which image of it. */
  | { readonly transport: FileTransport; readonly path: string; readonly ref?: string }
  | { readonly transport: 'registry'; readonly name: ImageName }
  /** A path by its looks (`./x`, `/x`, `C:\x`): what is in it says the transport. May end in `:REF`. */
  | { readonly transport: 'path'; readonly text: string };

const FILE_TRANSPORTS: readonly FileTransport[] = ['docker-archive', 'oci', 'oci-archive'];

/** skopeo's other transports, and what to do instead. */
const UNKNOWN_TRANSPORTS: Readonly<Record<string, string>> = {
  dir: 'Copy it first: skopeo copy dir:PATH oci:PATH.',
  'containers-storage': "Use podman's socket: set DOCKER_HOST to what `podman info` gives as remoteSocket.",
  ostree: 'Copy it first: skopeo copy ostree:REF oci:PATH.',
  sif: 'Copy it first: skopeo copy sif:PATH oci:PATH.',
  tarball: 'Copy it first: skopeo copy tarball:PATH oci:PATH.',
};

/** Parses a reference. Throws USAGE naming the rule broken, or UNSUPPORTED for transports that didiff lacks. */
export function parseReference(text: string): ImageReference {
  if (text.trim() === '') throw new DidiffError('USAGE', 'an image reference is empty', { hint: FORMS });
  if (text.includes('\0')) throw new DidiffError('USAGE', 'an image reference holds a NUL character');
  if (text.startsWith('docker://')) return parseRegistryReference(text);
  if (looksLikePath(text)) return { transport: 'path', text };
  const colon = text.indexOf(':');
  const transport = colon < 0 ? '' : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  const fileTransport = FILE_TRANSPORTS.find((known) => known === transport);
  if (fileTransport !== undefined) return parseFileReference(fileTransport, rest, text);
  if (transport === 'docker-daemon') {
    assertEngineText(rest, text);
    return { transport: 'engine', text: rest, explicit: true };
  }
  const instead = Object.hasOwn(UNKNOWN_TRANSPORTS, transport) ? UNKNOWN_TRANSPORTS[transport] : undefined;
  // `dir:1.0` is also a name with a tag; after these words a path or a longer reference is meant.
  if (instead !== undefined && /[/:]/.test(rest)) {
    throw new DidiffError('UNSUPPORTED', `didiff can't read the transport ${transport}: (${text})`, {
      hint: instead,
    });
  }
  return { transport: 'engine', text, explicit: false };
}

/** Writes a reference so that it parses to the same. */
export function formatReference(reference: ImageReference): string {
  switch (reference.transport) {
    case 'engine':
      return reference.explicit ? `docker-daemon:${reference.text}` : reference.text;
    case 'registry':
      return `docker://${formatImageName(reference.name)}`;
    case 'path':
      return reference.text;
    default: {
      const { transport, path, ref } = reference;
      return `${transport}:${path}${ref === undefined ? '' : `:${ref}`}`;
    }
  }
}

/** Whether an engine's reference can only be an ID or a prefix of one. */
export function isImageId(text: string): boolean {
  return /^sha256:[0-9a-f]{1,64}$/.test(text) || /^[0-9a-f]{64}$/.test(text);
}

/** Splits `PATH[:REF]` at the first colon that isn't a Windows drive's; REF may hold colons itself. */
export function splitPathAndRef(text: string): { readonly path: string; readonly ref?: string } {
  const colon = text.indexOf(':', /^[A-Za-z]:[\\/]/.test(text) ? 2 : 0);
  if (colon < 0) return { path: text };
  return { path: text.slice(0, colon), ref: text.slice(colon + 1) };
}

const FORMS =
  'Forms: NAME[:TAG], an image ID, docker-archive:FILE[:REF], oci:DIR[:REF], oci-archive:FILE[:REF], docker://HOST/NAME.';

function parseFileReference(transport: FileTransport, rest: string, text: string): ImageReference {
  const { path, ref } = splitPathAndRef(rest);
  if (path === '') {
    throw new DidiffError('USAGE', `${text} names no path`, { hint: `Write ${transport}:PATH[:REF].` });
  }
  if (ref === '') {
    throw new DidiffError('USAGE', `${text} ends in a colon with nothing behind it`, {
      hint: `Write ${transport}:${path}, or put the image's name behind the colon.`,
    });
  }
  return { transport, path, ...(ref === undefined ? {} : { ref }) };
}

function parseRegistryReference(text: string): ImageReference {
  return { transport: 'registry', name: withDefaultTag(parseImageName(text.slice('docker://'.length))) };
}

function assertEngineText(rest: string, text: string): void {
  if (rest !== '') return;
  throw new DidiffError('USAGE', `${text} names no image`, { hint: 'Write docker-daemon:NAME:TAG.' });
}

/** Starts like no image name can start: with a dot, a slash, a tilde or a drive. */
function looksLikePath(text: string): boolean {
  return /^(?:\.{0,2}[/\\]|\.{1,2}$|~|[A-Za-z]:[\\/])/.test(text);
}
