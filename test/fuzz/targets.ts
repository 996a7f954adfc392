import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FuzzTarget } from './target.ts';
import { codecTargets } from './targets/codecs.ts';
import { groupTarget } from './targets/group.ts';
import { logTarget, metaTarget, preflightTarget } from './targets/level.ts';
import { answersTarget, requestsTarget } from './targets/messages.ts';
import { offsetMetadataTarget } from './targets/offset-metadata.ts';
import { recordBatchesTarget } from './targets/record-batches.ts';

/** Everything that reads bytes of somebody else's. Those that need files get them below `folder`. */
export async function fuzzTargets(folder: string): Promise<readonly FuzzTarget[]> {
  const own = async (name: string): Promise<string> => {
    const path = join(folder, name);
    await mkdir(path);
    return path;
  };
  return [
    recordBatchesTarget(),
    ...codecTargets(),
    answersTarget(),
    requestsTarget(),
    groupTarget(),
    offsetMetadataTarget(),
    metaTarget(),
    await logTarget(await own('log')),
    await preflightTarget(await own('preflight')),
  ];
}
