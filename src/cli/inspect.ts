/** `didiff inspect PATCH`. */
import { describeInspectedBundle } from './all-platforms.ts';
import type { CommandModule } from './command.ts';
import { describeAdvice } from './describe-advice.ts';
import { describeInspection } from './describe-inspection.ts';
import { describePatchFiles } from './describe-patch-files.ts';
import { formatBytes } from './format.ts';
import { type OpenedBundle, openArguments, readWords } from './patch-arguments.ts';
import { withResources } from './resources.ts';

const EXAMPLES = `
With --base, which files the bytes are for: most names are predicted from the base, and stand nowhere in the patch.

Examples:
  didiff inspect app.didiff
  didiff inspect app.didiff --json | jq .needs
  didiff inspect app.didiff --base app:1.0 --files
  didiff inspect app.didiff --base oci:images:app-1.0 --html app.html`;

const BASELESS = 'Which files the bytes are for shows with the base only: give --base IMAGE.';
/** Files that are listed without --files. */
const MOST_FILES = 20;

interface Given {
  readonly base?: string;
  readonly files?: boolean;
  readonly layer?: string;
  readonly html?: string;
}

export const inspectCommand: CommandModule = {
  register(program, context) {
    program
      .command('inspect')
      .description('show what a patch is: base, target, layers, sizes, needs')
      .argument('<patch>', 'patch file, or - for standard input')
      .option('--base <image>', 'the image that it was made from: shows which files its bytes are for')
      .option('--files', 'list all files, not only the costliest (with --base)')
      .option('--layer <number>', 'only what is in this layer of the target, counted from 0')
      .option('--html <file>', 'also write it all as a page for a browser: treemap, table, advice')
      .addHelpText('after', EXAMPLES)
      .action(async (path: string, given: Given, command) => {
        const { options, output, signal } = context.start(command);
        const library = await import('../index.ts');
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
          const words = readWords([path], given.base, library);
          const opened = keep(await openArguments(library, words, store));
          const wantsOne = [options.platform, given.base, given.layer, given.html].some(
            (each) => each !== undefined,
          );
          if (opened.kind === 'bundle' && !wantsOne) {
            const found = await library.inspectBundle(opened.bundle, opened.readBytes);
            output.result(found, (width) => describeInspectedBundle(found, path, width));
            return;
          }
          const { reader, readBytes, openBase } = opened.kind === 'patch' ? opened : await partOf(opened);
          const base = given.base === undefined ? undefined : keep(await openBase());
          const whole = await library.inspectPatch(reader, readBytes, base && { ...store, base });
          const inspection =
            given.layer === undefined ? whole : library.onlyLayer(whole, parseLayer(given.layer, library));
          const advice = library.adviseOnPatch(inspection);
          if (given.html !== undefined)
            library.writePage(
              given.html,
              library.reportOfPatch(inspection, path, advice, formatBytes),
              formatBytes,
            );
          if (base === undefined && (given.files === true || given.html !== undefined)) output.note(BASELESS);
          const platform = library.formatPlatform(inspection.target.platform);
          output.result({ ...inspection, advice }, (width) => [
            ...describeInspection(inspection, path, platform, width),
            ...(inspection.files === undefined
              ? []
              : describePatchFiles(inspection.files, given.files ? Infinity : MOST_FILES, width)),
            ...describeAdvice(advice, width),
          ]);
        });
      });
  },
};

/** Of a bundle, the patch for one platform. */
async function partOf({ bundle, choosePart, openBase }: OpenedBundle) {
  const part = choosePart(await bundle.openParts());
  const { header } = part.reader;
  const needed = header.base.layers.map(({ diffId }) => diffId);
  return {
    reader: part.reader,
    readBytes: () => part.sizeBytes,
    openBase: () => openBase({ needed, name: header.base.name, platform: part.platform }),
  };
}

function parseLayer(text: string, { DidiffError }: typeof import('../index.ts')): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new DidiffError('USAGE', `--layer takes the position of a layer, from 0; found ${text}`);
}
