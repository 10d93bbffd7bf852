/** `didiff apply PATCH`, and the older `didiff apply BASE TARGET_ID PATCH`. */
import type { ApplyOptions, ApplyResult, ImageSink } from '../index.ts';
import type { CommandModule } from './command.ts';
import { preferMemory } from './memory.ts';
import {
  assertIsBundle,
  assertOneChoice,
  type OpenedBundle,
  openArguments,
  readWords,
} from './patch-arguments.ts';
import { withResources } from './resources.ts';
import { sentenceLines } from './table.ts';

const EXAMPLES = `
The base is found by itself in the engine, by its layers; --base names it, or takes it from another store.

Examples:
  didiff apply app.didiff -t app:1.1
  didiff apply app.didiff --base docker-archive:old.tar --to docker-archive:new.tar
  didiff apply app.didiff --base oci:images:app-1.0 --to oci:images:app-1.1
  didiff apply app.didiff --base docker://ghcr.io/org/app:1.0 --to docker://ghcr.io/org/app:1.1
  curl -s https://example.com/app.didiff | didiff apply - -t app:1.1
  didiff apply app.didiff --all-platforms --base docker://ghcr.io/org/app:1.0 --to docker://ghcr.io/org/app:1.1
  didiff apply app:1.0 sha256:27a188018e18 app.didiff -t app:1.1     the older form`;

const NAMELESS = 'The image has no name yet: give it one with -t NAME:TAG, or find it by its ID.';

interface Given {
  readonly base?: string;
  readonly to?: string;
  readonly tag?: readonly string[];
  readonly threads?: string;
  readonly allPlatforms?: boolean;
}

export const applyCommand: CommandModule = {
  register(program, context) {
    program
      .command('apply')
      .description('turn the image that is here into the new one')
      .usage('[options] <patch>\n       didiff apply [options] <base> <target-id> <patch>')
      .argument('<patch...>', 'patch file, or - for standard input')
      .option('--base <image>', 'image to start from (default: found in the engine)')
      .option('--to <dest>', 'where the new image goes (default: the engine)')
      .option('-t, --tag <name:tag>', 'name the new image gets; may be given several times', collect)
      .option(
        '--threads <count>',
        'processors to use; 2 decodes on another, and takes 30 MB more (default: 1)',
      )
      .option('--all-platforms', 'write the whole index that the patch was made for, not one image of it')
      .addHelpText('after', EXAMPLES)
      .action(async (argv: string[], given: Given, command) => {
        const { options, output, signal } = context.start(command);
        await preferMemory();
        const library = await import('../index.ts');
        const tags = given.tag ?? [];
        for (const tag of tags) library.parseTagOption(tag);
        const words = readWords(argv, given.base, library);
        assertOneChoice(library, given.allPlatforms, options.platform);
        await withResources(async (keep) => {
          const shared = keep(library.shareEngine({ host: options.host, signal }));
          const store = {
            tempDirectory: options.tempDirectory,
            shared,
            platform: options.platform === undefined ? undefined : library.parsePlatform(options.platform),
            registry: { ...options.registry, onNotice: output.note },
            signal,
            onProgress: output.onProgress,
          };
          const opened = keep(await openArguments(library, words, store));
          if (given.allPlatforms && opened.kind === 'patch') assertIsBundle(library, words.patch);
          const { sink, names } = keep(
            await library.openDestination(given.to, {
              ...store,
              tags,
              ...(words.base === undefined ? {} : { alsoAt: [words.base] }),
            }),
          );
          const threads = given.threads === undefined ? undefined : Number(given.threads);
          const apply = { ...store, names: [...names, ...tags], threads };
          const result =
            opened.kind === 'patch'
              ? await library.applyPatch(opened.reader, opened.openBase, sink, apply)
              : given.allPlatforms
                ? await library.applyWhole(opened.bundle, opened.openBase, sink, apply)
                : await applyOne(library, opened, sink, apply);
          const target =
            opened.kind === 'patch' ? opened.reader.header.target.name : opened.bundle.header.targetName;
          if (result.names.length === 0) output.note(NAMELESS);
          output.result({ destination: sink.name, target, ...result }, (width) =>
            sentenceLines(describe(result, sink.name), width),
          );
        });
      });
  },
};

/** Of a bundle, the image for one platform. */
async function applyOne(
  library: typeof import('../index.ts'),
  { bundle, openBase, choosePart }: OpenedBundle,
  sink: ImageSink,
  options: ApplyOptions,
): Promise<ApplyResult> {
  const parts = await bundle.openParts();
  return await library.applyPart(parts, choosePart(parts), openBase, sink, options);
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function describe(result: ApplyResult, destination: string): string {
  const names = result.names.length === 0 ? '' : ` (${result.names.join(', ')})`;
  return result.wasThere
    ? `${result.id}${names} was already in ${destination}`
    : `${result.id}${names} is in ${destination}; every digest was verified`;
}
