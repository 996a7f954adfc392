import { fetch } from '../../../src/wire/messages/fetch.ts';
import { readFetchResponse } from '../../../src/wire/fetch-response.ts';
import { Reader } from '../../../src/wire/reader.ts';
import { bytesOf, CODECS, goldenMessages } from '../../unit/wire/golden.ts';
import { cut, mutate } from '../mutate.ts';
import { givesValueOr, mustRefuse, type FuzzTarget } from '../target.ts';

interface Sample {
  readonly name: string;
  readonly version: number;
  readonly bytes: Uint8Array;
  read(bytes: Uint8Array): unknown;
}

/** Answers of every API in every version, as Java wrote them; Fetch by the hand-written reader too. */
export function answersTarget(): FuzzTarget {
  const generated = samples((name) => name.endsWith('Response'));
  const fetches = generated
    .filter(({ name, version }) => name === 'FetchResponse' && version >= fetch.minVersion)
    .map((sample) => ({ ...sample, name: 'FetchResponse by hand', read: fetchReader(sample) }));
  return messageTarget('answers', [...generated, ...fetches]);
}

/** Requests, which the embedded broker reads. */
export function requestsTarget(): FuzzTarget {
  return messageTarget(
    'requests',
    samples((name) => name.endsWith('Request')),
  );
}

function messageTarget(name: string, all: readonly Sample[]): FuzzTarget {
  return {
    name,
    create(chance) {
      const sample = chance.pick(all);
      const isCut = chance.oneIn(4) && sample.bytes.length > 0;
      const bytes = isCut ? cut(sample.bytes, chance) : mutate(sample.bytes, chance);
      const expect = isCut ? mustRefuse : givesValueOr;
      return {
        what: `${sample.name} v${sample.version}`,
        bytes,
        run: () => {
          expect(['STREAMS_CORRUPT_MESSAGE'], () => sample.read(bytes));
        },
      };
    },
  };
}

function samples(isWanted: (name: string) => boolean): Sample[] {
  return CODECS.filter(({ name }) => isWanted(name)).flatMap((codec) =>
    goldenMessages(codec.name).map(({ version, bytes }) => ({
      name: codec.name,
      version,
      bytes: bytesOf(bytes),
      read: (damaged: Uint8Array) => codec.read(damaged, version),
    })),
  );
}

function fetchReader({ version }: Sample): Sample['read'] {
  return (bytes) => {
    const reader = new Reader(bytes);
    const answer = readFetchResponse(reader, version);
    reader.expectEnd();
    return answer;
  };
}
