/** What `apply`, `check` and `inspect` do alike: read their words, open the patch, find its base. */
import type {
  EngineChoice,
  OpenedImage,
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

export interface OpenedArguments {
  readonly reader: OpenedPatch['reader'];
  readonly readBytes: OpenedPatch['readBytes'];
  /** Finds the base; only to be called when it is needed. */
  readonly openBase: () => Promise<OpenedImage>;
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

export async function openArguments(
  library: Library,
  given: PatchArguments,
  options: OpenOptions & EngineChoice & RegistryChoice,
): Promise<OpenedArguments> {
  const patch = await library.openPatch(given.patch);
  const { header } = patch.reader;
  try {
    if (given.targetId !== undefined) assertTarget(library, patch, given.targetId);
  } catch (error) {
    await patch.reader.close();
    throw error;
  }
  return {
    reader: patch.reader,
    readBytes: patch.readBytes,
    close: () => patch.reader.close(),
    openBase: () =>
      given.base === undefined
        ? library.findBase(library.neededDiffIds(header), header.base.name, options)
        : openNamedBase(library, given.base, header.target.platform, options),
  };
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
function assertTarget(library: Library, patch: OpenedPatch, wanted: string): void {
  const { header, documents } = patch.reader;
  const ids = [documents.config.digest, documents.manifest?.digest, documents.index?.digest].filter(
    (id) => id !== undefined,
  );
  const hex = wanted.replace(/^sha256:/, '');
  const matches =
    /^[0-9a-f]{4,64}$/.test(hex) && ids.some((id) => id.slice('sha256:'.length).startsWith(hex));
  if (matches || wanted === header.target.name) return;
  throw new library.DidiffError(
    'USAGE',
    `this patch does not lead to ${wanted}: it makes ${header.target.name}, ${ids[0]}`,
    {
      hint: 'Take the right patch, or leave the target out: `didiff apply PATCH`.',
      data: { wanted, ids },
    },
  );
}
