import { isStreamsError } from '../../../src/common/errors.ts';
import {
  listOffsets,
  metadata,
  offsetFetch,
  txnOffsetCommit,
} from '../../../src/wire/messages/index.ts';
import { Reader } from '../../../src/wire/reader.ts';
import { Writer } from '../../../src/wire/writer.ts';
import { CODECS, bytesOf, goldenMessages } from './golden.ts';

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe.each(CODECS)('$name', (codec) => {
  const golden = goldenMessages(codec.name);

  test('what Java wrote is read and written again byte for byte, in every version', () => {
    const versions = new Set<number>();
    for (const { version, kind, bytes } of golden) {
      versions.add(version);
      if (kind === 'unknown-tag') continue;
      const value = codec.read(bytesOf(bytes), version);
      const again = codec.write(value, version);
      expect({ version, kind, bytes: Buffer.from(again).toString('base64') }).toEqual({
        version,
        kind,
        bytes,
      });
    }
    expect(versions.size).toBe(codec.maxVersion - codec.minVersion + 1);
  });

  test('a tagged field that nobody knows is skipped', () => {
    golden.forEach(({ version, kind, bytes }, index) => {
      if (kind !== 'unknown-tag') return;
      const without = golden[index - 1]?.bytes ?? '';
      expect(codec.read(bytesOf(bytes), version)).toEqual(codec.read(bytesOf(without), version));
    });
  });

  test('cut anywhere, a message is a corrupt message', () => {
    for (const { version, bytes } of golden) {
      const whole = bytesOf(bytes);
      for (let length = 0; length < whole.length; length++) {
        const error = thrownBy(() => codec.read(whole.subarray(0, length), version));
        expect(isStreamsError(error, 'STREAMS_CORRUPT_MESSAGE')).toBe(true);
      }
    }
  });
});

describe('a message', () => {
  test('takes the defaults of the schema for what its writer leaves out', () => {
    const writer = new Writer();
    listOffsets.writeRequest(writer, 5, {
      replicaId: -1,
      topics: [{ name: 'in', partitions: [{ partitionIndex: 3, timestamp: -2 }] }],
    });
    const request = listOffsets.readRequest(new Reader(writer.finish()), 5);
    expect(request).toEqual({
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        {
          name: 'in',
          partitions: [{ partitionIndex: 3, currentLeaderEpoch: -1, timestamp: -2 }],
        },
      ],
    });
  });

  test('is refused when its version cannot say what the caller asks for', () => {
    const write = () => {
      offsetFetch.writeRequest(new Writer(), 6, {
        groupId: 'g',
        topics: null,
        requireStable: true,
      });
    };
    expect(thrownBy(write)).toMatchObject({
      code: 'STREAMS_BROKER_UNSUPPORTED',
      message: expect.stringContaining('requireStable') as string,
    });
    expect(() => {
      offsetFetch.writeRequest(new Writer(), 7, {
        groupId: 'g',
        topics: null,
        requireStable: true,
      });
    }).not.toThrow();
  });

  test('never drops the generation of a transactional commit', () => {
    const request = {
      transactionalId: 't',
      groupId: 'g',
      producerId: 1,
      producerEpoch: 0,
      generationId: 4,
      memberId: 'm',
      topics: [],
    };
    expect(
      thrownBy(() => {
        txnOffsetCommit.writeRequest(new Writer(), 2, request);
      }),
    ).toMatchObject({ code: 'STREAMS_BROKER_UNSUPPORTED' });
  });

  test('has no null where its version has none', () => {
    const write = (version: number) => () => {
      metadata.writeRequest(new Writer(), version, { topics: [{ name: null }] });
    };
    expect(thrownBy(write(9))).toMatchObject({ code: 'STREAMS_BROKER_UNSUPPORTED' });
    expect(write(10)).not.toThrow();
  });

  test('in a version that we do not speak is our own bug', () => {
    const read = () => metadata.readResponse(new Reader(new Uint8Array(100)), 4);
    expect(thrownBy(read)).toMatchObject({ code: 'STREAMS_INVARIANT' });
  });

  test('that is broken is reported with its name, its version and the field', () => {
    const read = () => metadata.readResponse(new Reader(new Uint8Array([0, 0, 0, 0, 0])), 8);
    expect(thrownBy(read)).toMatchObject({
      code: 'STREAMS_CORRUPT_MESSAGE',
      site: { api: 'Metadata response v8' },
      message: expect.stringContaining('field brokers') as string,
    });
  });

  test('is written once into a buffer that can be used again', () => {
    const writer = new Writer();
    metadata.writeRequest(writer, 12, { topics: null });
    const first = writer.finish().slice();
    metadata.writeRequest(writer.reset(), 12, { topics: null });
    expect(writer.finish()).toEqual(first);
  });
});
