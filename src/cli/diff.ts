/** `didiff diff BASE TARGET`. */
import type { CommandModule } from './command.ts';
import { describeAdvice } from './describe-advice.ts';
import { describeDiff } from './describe-diff.ts';
import { formatBytes } from './format.ts';
import { withResources } from './resources.ts';

const EXAMPLES = `
The exit code is 3 when the images differ.

Examples:
  didiff diff app:1.0 app:1.1
  didiff diff app:1.0 docker-archive:app.tar --semantic
  didiff diff oci:images:app-1.0 oci:images:app-1.1 --path /usr/lib --exclude '**/*.pyc'`;

interface Given {
  readonly semantic?: boolean;
  readonly path?: readonly string[];
  readonly exclude?: readonly string[];
  readonly all?: boolean;
  readonly html?: string;
}

export const diffCommand: CommandModule = {
  register(program, context) {
    program
      .command('diff')
      .description('show in which files, layers and settings two images differ')
      .argument('<base>', 'the one image')
      .argument('<target>', 'the other')
      .option('--semantic', 'ignore times and order, and how files are in layers')
      .option('--path <glob>', 'only files of these paths, and nothing but files; may be repeated', collect)
      .option('--exclude <glob>', 'no files of these paths; may be repeated', collect)
      .option('--all', 'also list files that differ in times only, and all in added and removed folders')
      .option('--html <file>', 'also write it all as a page for a browser: treemap, table, advice')
      .addHelpText('after', EXAMPLES)
      .action(async (baseName: string, targetName: string, given: Given, command) => {
        const { options, output, signal, differ } = context.start(command);
        const library = await import('../index.ts');
        const { tempDirectory, host } = options;
        const platform = options.platform === undefined ? undefined : library.parsePlatform(options.platform);
        await withResources(async (keep) => {
          const shared = keep(library.shareEngine({ host, signal }));
          const registry = { ...options.registry, onNotice: output.note };
          const store = { tempDirectory, shared, platform, registry, signal, onProgress: output.onProgress };
          const base = keep(await library.openImage(baseName, store));
          const target = keep(await library.openImage(targetName, store));
          const { semantic, path: paths, exclude } = given;
          const diff = await library.diffImages(base, target, { ...store, semantic, paths, exclude });
          const advice = library.adviseOnDiff(diff);
          if (given.html !== undefined)
            library.writePage(given.html, library.reportOfDiff(diff, advice), formatBytes);
          if (diff.differ) differ();
          output.result({ ...diff, advice }, (width) => [
            ...describeDiff(diff, given.all ?? false, width),
            ...describeAdvice(advice, width),
          ]);
        });
      });
  },
};

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
