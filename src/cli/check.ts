/** `didiff check PATCH`. */
import type { CheckResult, WholeCheck } from '../index.ts';
import type { CommandModule } from './command.ts';
import { formatBytes } from './format.ts';
import { preferMemory } from './memory.ts';
import { assertIsBundle, assertOneChoice, openArguments, readWords } from './patch-arguments.ts';
import { withResources } from './resources.ts';
import type { Line } from './styled.ts';
import { sentenceLines, tableLines } from './table.ts';

const EXAMPLES = `
Reads the whole patch and the base, rebuilds every layer without keeping it, and writes nothing.

Examples:
  didiff check app.didiff
  didiff check app.didiff --base docker-archive:old.tar --to oci:images`;

interface Given {
  readonly base?: string;
  readonly to?: string;
  readonly allPlatforms?: boolean;
}

export const checkCommand: CommandModule = {
  register(program, context) {
    program
      .command('check')
      .description('tell whether a patch would apply; writes nothing')
      .argument('<patch>', 'patch file, or - for standard input')
      .option('--base <image>', 'image to start from (default: found in the engine)')
      .option('--to <dest>', 'where the new image would go (default: not looked at)')
      .option('--all-platforms', 'the whole index that the patch was made for, not one image of it')
      .addHelpText('after', EXAMPLES)
      .action(async (path: string, given: Given, command) => {
        const { options, output, signal } = context.start(command);
        await preferMemory();
        const library = await import('../index.ts');
        const words = readWords([path], given.base, library);
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
          const destination =
            given.to === undefined ? undefined : keep(await library.openDestination(given.to, store));
          const sink = destination?.sink;
          if (opened.kind === 'patch') {
            if (given.allPlatforms) assertIsBundle(library, path);
            const base = keep(await opened.openBase());
            const result = await library.checkPatch(opened.reader, base, sink, store);
            output.result({ base: base.name, ...result }, (width) =>
              describe(result, path, base.name, width),
            );
          } else if (given.allPlatforms) {
            const result = await library.checkWhole(opened.bundle, opened.openBase, sink, store);
            output.result(result, (width) => describeWhole(result, path, width));
          } else {
            const parts = await opened.bundle.openParts();
            const part = opened.choosePart(parts);
            const result = await library.checkPart(parts, part, opened.openBase, sink, store);
            output.result(result, (width) => describe(result, path, result.base, width));
          }
        });
      });
  },
};

function describe(
  { needs, provedLayers, wasThere }: CheckResult,
  path: string,
  base: string,
  widthColumns?: number,
): readonly Line[] {
  return [
    ...sentenceLines(`${path} applies to ${base}: ${layersOf(provedLayers)} out right`, widthColumns),
    ...(wasThere ? sentenceLines('the image is there already', widthColumns, INDENT) : []),
    ...describeNeeds(needs),
  ];
}

function describeWhole(
  { needs, platforms, wasThere }: WholeCheck,
  path: string,
  widthColumns?: number,
): readonly Line[] {
  return [
    ...sentenceLines(`${path} applies to all platforms`, widthColumns),
    ...(wasThere ? sentenceLines('the index is there already', widthColumns, INDENT) : []),
    ...tableLines(
      [{}, { gives: true }, {}],
      platforms.map(({ platform, base, provedLayers }) => [
        platform,
        `to ${base}`,
        `${layersOf(provedLayers)} out right`,
      ]),
      widthColumns,
    ),
    ...describeNeeds(needs),
  ];
}

function layersOf(count: number): string {
  return `${count} ${count === 1 ? 'layer comes' : 'layers come'}`;
}

/** The most that it takes of each. */
function describeNeeds({ memoryBytes, scratchBytes, outputBytes }: CheckResult['needs']): readonly Line[] {
  return [
    [{ text: 'takes up to', colour: 'bold' }],
    ...tableLines(
      [{ align: 'right' }, {}],
      [
        [formatBytes(memoryBytes), 'of memory'],
        [formatBytes(scratchBytes), 'of scratch space'],
        [formatBytes(outputBytes), 'for the image'],
      ],
    ),
  ];
}

const INDENT = 2;
