import { readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { median, type Comparison, type Pair, type Ratio } from './comparison.ts';
import type { RunLine } from './measure.ts';
import type { Session } from './session.ts';

/** A comparison with the runs behind it. */
export interface Measured {
  readonly comparison: Comparison;
  readonly pairs: readonly Pair[];
}

const PAGE = fileURLToPath(new URL('../../../docs/performance.md', import.meta.url));
const BEGIN = '<!-- measured: begin -->';
const END = '<!-- measured: end -->';

/** One line for people. */
export function comparisonText(comparison: Comparison): string {
  const { workload, guarantee, cache, noFigure, cpuRatio, cpuRatioWarm, rssRatio } = comparison;
  const head = `${workload} ${guarantee}${cache > 0 ? `, cache ${cache}` : ''}`;
  if (noFigure !== undefined) return `${head}: no figure. ${noFigure}`;
  const { throughputRatio } = comparison;
  return `${head}: CPU ${text(cpuRatio)} of Kafka Streams, warm ${text(cpuRatioWarm)}, memory ${text(rssRatio)}, records a second ${text(throughputRatio)}`;
}

function text(ratio: Ratio | undefined): string {
  return ratio === undefined ? '-' : `${ratio.median} (${ratio.min}-${ratio.max})`;
}

/** Replaces the measured part of docs/performance.md; the words around it are written by hand. */
export async function writePerformance(
  measured: readonly Measured[],
  session: Session,
): Promise<void> {
  const page = await readFile(PAGE, 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has no part between ${BEGIN} and ${END}`);
  const lines = [machine(measured, session), '', ...table(measured), '', ...verdicts(measured)];
  const part = `${BEGIN}\n\n${lines.join('\n')}\n\n`;
  await writeFile(PAGE, page.slice(0, begin) + part + page.slice(end));
}

function machine(measured: readonly Measured[], { broker, cores }: Session): string {
  const [cpu] = cpus();
  const runs = measured.flatMap(({ pairs }) => pairs);
  const java = runs[0]?.theirs.java ?? 'unknown';
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const place =
    cores === null
      ? 'nothing pinned'
      : `broker on core ${cores.broker}, application on core ${cores.application}`;
  return `${new Date().toISOString().slice(0, 10)}; ${cpu?.model ?? 'unknown CPU'}, ${cpus().length} cores, ${gigabytes} GB; Node ${process.version}; Kafka Streams 4.3.1 on Java ${java}; broker Apache Kafka ${broker.version}; ${place}.`;
}

function table(measured: readonly Measured[]): readonly string[] {
  const cells = (...texts: readonly string[]): string => `| ${texts.join(' | ')} |`;
  const header = [
    'workload, scale',
    'guarantee, cache',
    'CPU s per million: ours, theirs',
    'ratio',
    'warm ratio',
    'peak RSS MiB: ours, theirs',
    'ratio',
    'records/s: ours, theirs',
  ];
  const rows = measured.map(({ comparison, pairs }) => {
    const both = (of: (run: RunLine) => number, digits: number): string =>
      [pairs.map(({ ours }) => of(ours)), pairs.map(({ theirs }) => of(theirs))]
        .map((side) => median(side).toFixed(digits))
        .join(', ');
    const { workload, scale, guarantee, cache, noFigure } = comparison;
    if (noFigure !== undefined) {
      return cells(
        `${workload}, ${scale}`,
        `${guarantee}, ${cache}`,
        `no figure: ${noFigure}`,
        '',
        '',
        '',
        '',
        '',
      );
    }
    return cells(
      `${workload}, ${scale}`,
      `${guarantee}, ${cache}`,
      both((run) => run.cpuSecondsPerMillion, 2),
      text(comparison.cpuRatio),
      text(comparison.cpuRatioWarm),
      both((run) => run.peakRssMiB, 0),
      text(comparison.rssRatio),
      both((run) => run.recordsPerSecond, 0),
    );
  });
  return [cells(...header), cells(...header.map(() => '---')), ...rows];
}

/** Where Kafka Streams is ahead, that is said. */
function verdicts(measured: readonly Measured[]): readonly string[] {
  const behind = measured.flatMap(({ comparison }) => {
    const { workload, guarantee, cpuRatio, cpuRatioWarm, rssRatio, throughputRatio } = comparison;
    const where = [
      ...((cpuRatio?.median ?? 0) > 1 ? ['CPU'] : []),
      ...((cpuRatioWarm?.median ?? 0) > 1 ? ['CPU when warm'] : []),
      ...((rssRatio?.median ?? 0) > 1 ? ['memory'] : []),
      ...((throughputRatio?.median ?? 1) < 1 ? ['records a second'] : []),
    ];
    return where.length === 0
      ? []
      : [`Kafka Streams is ahead on ${workload} ${guarantee}: ${where.join(', ')}.`];
  });
  return behind.length === 0 ? ['Kafka Streams is ahead in none of these.'] : behind;
}
