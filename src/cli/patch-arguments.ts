/** What `apply`, `check` and `inspect` do alike: read their words, open the patch, find its base. */
import type {
  Bundle,
  BundleParts,
  EngineChoice,
  OpenBase,
  OpenedImage,
  OpenedPart,
  OpenedPatch,
  OpenOptions,
  Platform,
  RegistryChoice,
} from '../index.ts';

/** What the user named; all but the patch may be left out. */
export interface PatchArguments {
  readonly patch: string;
  readonly base?: string | undefined;
  /** The older form's second argument: what the patch must lead to. */
  readonly targetId?: string | undefined;
}

/** A patch for one platform. */
export interface OpenedArguments {
  readonly kind: 'patch';
  readonly reader: OpenedPatch['reader'];
  readonly readBytes: OpenedPatch['readBytes'];
  /** Finds the base; only to be called when it is needed. */
  readonly openBase: () => Promise<OpenedImage>;
  close(): Promise<void>;
}

/** Patches for several platforms. */
export interface OpenedBundle {
  readonly kind: 'bundle';
  readonly bundle: Bundle;
  readonly readBytes: OpenedPatch['readBytes'];
  /** Finds the base of a part. */
  readonly openBase: OpenBase;
  /** The part for the platform that was asked for, or that the older form's target is; else for this machine's. */
  readonly choosePart: (parts: BundleParts) => OpenedPart;
  close(): Promise<void>;
}

type Library = typeof import('../index.ts');

/** One word is the patch, three are the older form: base, target and patch. */
export function readWords(
  words: readonly string[],
  base: string | undefined,
  { DidiffError }: Library,
): PatchArguments {
  const [first, targetId, patch] = words;
  if (words.length === 1) return { patch: first!, base };
  if (words.length === 3 && base === undefined) return { patch: patch!, base: first, targetId };
  throw new DidiffError(
    'USAGE',
    `${words.length} arguments were given; expected PATCH, or BASE TARGET_ID PATCH`,
    {
      hint: "See 'didiff apply --help'.",
    },
  );
}

/** Throws USAGE when one platform and all are asked for at once. */
export function assertOneChoice(
  { DidiffError }: Library,
  all: boolean | undefined,
  platform: string | undefined,
): void {
  if (!all || platform === undefined) return;
  throw new DidiffError('USAGE', `--all-platforms and --platform ${platform} exclude each other`);
}

export async function openArguments(
  library: Library,
  given: PatchArguments,
  options: OpenOptions & EngineChoice & RegistryChoice,
): Promise<OpenedArguments | OpenedBundle> {
  const opened = await library.openPatchOrBundle(given.patch);
  const openBase: OpenBase = ({ needed, name, platform }) =>
    given.base === undefined
      ? library.findBase(needed, name, options)
      : openNamedBase(library, given.base, platform, options);
  const { readBytes } = opened;
  if (opened.kind === 'bundle') {
    const { bundle } = opened;
    const choosePart = (parts: BundleParts) =>
      chooseTarget(library, bundle, parts, given.targetId, options.platform);
    return { kind: 'bundle', bundle, readBytes, openBase, choosePart, close: () => bundle.close() };
  }
  const { reader } = opened;
  const { header } = reader;
  try {
    if (given.targetId !== undefined) assertTarget(library, reader, given.targetId);
  } catch (error) {
    await reader.close();
    throw error;
  }
  return {
    kind: 'patch',
    reader,
    readBytes,
    close: () => reader.close(),
    openBase: () =>
      openBase({
        needed: library.neededDiffIds(header),
        name: header.base.name,
        platform: header.target.platform,
      }),
  };
}

/** Throws USAGE when one patch is asked to be what only a bundle is. */
export function assertIsBundle(library: Library, path: string): never {
  throw new library.DidiffError(
    'USAGE',
    `${path} is a patch for one platform, so there is nothing for --all-platforms`,
    {
      hint: 'Leave --all-platforms out, or have the patch made with `didiff create --all-platforms`.',
    },
  );
}

function chooseTarget(
  library: Library,
  bundle: Bundle,
  parts: BundleParts,
  wanted: string | undefined,
  platform: Platform | undefined,
): OpenedPart {
  const here = platform ?? library.hostPlatform(process.arch, process.platform);
  if (wanted === undefined) return library.choosePart(parts, here);
  const named = parts.images.find(({ reader }) =>
    namesTarget(wanted, [reader.documents.config, reader.documents.manifest]),
  );
  if (named !== undefined && platform === undefined) return named;
  const part = library.choosePart(parts, here);
  if (named === part || wanted === bundle.header.targetName || namesTarget(wanted, [bundle.index]))
    return part;
  throw leadsElsewhere(library, wanted, bundle.header.targetName, [bundle.index.digest]);
}

/** Of an index, the image for the patch's platform, unless another was asked for: this machine's says nothing here. */
async function openNamedBase(
  library: Library,
  base: string,
  platform: Platform,
  options: OpenOptions & EngineChoice & RegistryChoice,
): Promise<OpenedImage> {
  if (options.platform !== undefined) return await library.openImage(base, options);
  try {
    return await library.openImage(base, { ...options, platform });
  } catch (error) {
    if (!(error instanceof library.DidiffError && error.code === 'NOT_FOUND')) throw error;
    // Whether it is the base, its layers decide, whatever platform it claims.
    return await library.openImage(base, options);
  }
}

/** The older form names the target by its ID, or a prefix of one, or by the name it had when the patch was made. */
function assertTarget(library: Library, { header, documents }: OpenedPatch['reader'], wanted: string): void {
  const all = [documents.config, documents.manifest, documents.index];
  if (namesTarget(wanted, all) || wanted === header.target.name) return;
  const ids = all.flatMap((document) => (document === undefined ? [] : [document.digest]));
  throw leadsElsewhere(library, wanted, header.target.name, ids);
}

function namesTarget(
  wanted: string,
  documents: readonly ({ readonly digest: string } | undefined)[],
): boolean {
  const hex = wanted.replace(/^sha256:/, '');
  const matches = (digest: string) => digest.slice('sha256:'.length).startsWith(hex);
  return /^[0-9a-f]{4,64}$/.test(hex) && documents.some((each) => each !== undefined && matches(each.digest));
}

function leadsElsewhere(library: Library, wanted: string, target: string, ids: readonly string[]) {
  return new library.DidiffError(
    'USAGE',
    `this patch does not lead to ${wanted}: it makes ${target}, ${ids[0]}`,
    {
      hint: 'Take the right patch, or leave the target out: `didiff apply PATCH`.',
      data: { wanted, ids },
    },
  );
}
