/** `didiff estimate BASE TARGET`. */
import type { Estimate, EstimatedLayer } from '../index.ts';
import type { CommandModule } from './command.ts';
import { describeAdvice } from './describe-advice.ts';
import { formatBytes } from './format.ts';
import { preferMemory } from './memory.ts';
import { withResources } from './resources.ts';
import type { Line } from './styled.ts';
import { sentenceLines, tableLines } from './table.ts';

const EXAMPLES = `
Examples:
  didiff estimate app:1.0 app:1.1
  didiff estimate app:1.0 app:1.1 --html estimate.html`;

/** So many files are listed. */
const LISTED_FILES = 10;

export const estimateCommand: CommandModule = {
  register(program, context) {
    program
      .command('estimate')
      .description('tell about how large a patch would be, in a part of the time that making it takes')
      .argument('<base>', 'image that receivers have')
      .argument('<target>', 'image that they should get')
      .option('--html <file>', 'also write it all as a page for a browser: treemap, table, advice')
      .addHelpText('after', EXAMPLES)
      .action(async (baseName: string, targetName: string, given: { html?: string }, command) => {
        const { options, output, signal } = context.start(command);
        await preferMemory();
        const library = await import('../index.ts');
        const { tempDirectory, host } = options;
        const platform = options.platform === undefined ? undefined : library.parsePlatform(options.platform);
        await withResources(async (keep) => {
          const shared = keep(library.shareEngine({ host, signal }));
          const store = { tempDirectory, shared, platform, signal, onProgress: output.onProgress };
          const base = keep(await library.openImage(baseName, store));
          const target = keep(await library.openImage(targetName, store));
          const estimate = await library.estimatePatch(base, target, store);
          const advice = library.adviseOnEstimate(estimate);
          if (given.html !== undefined)
            library.writePage(given.html, library.reportOfEstimate(estimate, advice), formatBytes);
          output.result({ ...estimate, advice }, (width) => [
            ...describe(estimate, width),
            ...describeAdvice(advice, width),
          ]);
        });
      });
  },
};

function describe(estimate: Estimate, widthColumns?: number): readonly Line[] {
  const { base, target, estimatedBytes, pullBytes, layers, files } = estimate;
  const lines: Line[] = [
    ...sentenceLines(
      `a patch from ${base} to ${target} would take about ${formatBytes(estimatedBytes)}`,
      widthColumns,
    ),
  ];
  if (pullBytes !== undefined && pullBytes > 0) {
    const times = pullBytes / estimatedBytes;
    lines.push(
      `  a pull would move ${formatBytes(pullBytes)}: ${times.toFixed(times < 10 ? 1 : 0)} times as much`,
    );
  }
  lines.push([{ text: 'layers', colour: 'bold' }]);
  lines.push(
    ...tableLines([{ align: 'right' }, { align: 'right' }, {}], layers.map(describeLayer), widthColumns),
  );
  if (files.length === 0) return lines;
  lines.push([{ text: 'files', colour: 'bold' }]);
  const rows = files
    .slice(0, LISTED_FILES)
    .map(({ estimatedBytes: bytes, sizeBytes, path, kind }) => [
      formatBytes(bytes),
      `of ${formatBytes(sizeBytes)}`,
      path,
      kind,
    ]);
  lines.push(
    ...tableLines([{ align: 'right' }, { align: 'right' }, { gives: true }, {}], rows, widthColumns),
  );
  if (files.length > LISTED_FILES) lines.push(`  and ${files.length - LISTED_FILES} more that differ`);
  return lines;
}

function describeLayer(
  { how, estimatedBytes, tarBytes, blobBytes }: EstimatedLayer,
  position: number,
): readonly string[] {
  const whole = formatBytes(blobBytes ?? tarBytes);
  if (how === 'base') return [`${position}`, '', `${whole}, the same as in the base`];
  const made = how === 'blob' ? `carried as its blob` : `for ${whole}`;
  return [`${position}`, formatBytes(estimatedBytes), made];
}
