import type { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { runTopology, STRINGS } from '../../support/run-topology.ts';

const lettersOf = (builder: StreamsBuilder) =>
  builder
    .stream('in', STRINGS)
    .split({ name: 'split-' })
    .branch((_, value) => value < 'c', { name: 'first' })
    .branch((_, value) => value < 'e', { name: 'second' });

describe('split', () => {
  test('hands a record to the first branch that takes it, and to no other', async () => {
    const { out } = await runTopology(
      (builder) => {
        const branches = lettersOf(builder).defaultBranch({ name: 'rest' });
        for (const [name, branch] of branches) {
          branch.mapValues((value) => `${name}:${value}`).to('out', STRINGS);
        }
      },
      ['in k=a@1', 'in k=d@2', 'in k=f@3', 'in k=b@4'],
    );
    expect(out).toEqual([
      'k=split-first:a@1',
      'k=split-second:d@2',
      'k=split-rest:f@3',
      'k=split-first:b@4',
    ]);
  });

  test('drops what no branch takes, without counting it', async () => {
    const { out, dropped } = await runTopology(
      (builder) => {
        const branches = lettersOf(builder).noDefaultBranch();
        branches.get('split-second').to('out');
      },
      ['in k=a@1', 'in k=d@2', 'in k=f@3'],
    );
    expect(out).toEqual(['k=d@2']);
    expect(dropped).toEqual({});
  });

  test('takes records without key and value', async () => {
    const { out } = await runTopology(
      (builder) => {
        builder
          .stream('in', STRINGS)
          .split()
          .branch(() => true, {
            chain: (stream) => stream.mapValues((value) => `${value}!`),
          })
          .noDefaultBranch()
          .forEach((branch) => {
            branch.to('out', STRINGS);
          });
      },
      ['in -=-@1'],
    );
    expect(out).toEqual(['null=null!@1']);
  });

  test('numbers branches without a name from 1, the default branch is 0, and a chain may leave one out', async () => {
    let names: readonly string[] = [];
    await runTopology((builder) => {
      const branches = builder
        .stream('in', STRINGS)
        .split()
        .branch(() => true)
        .branch(() => true, {
          chain: (stream) => {
            stream.to('out');
            return null;
          },
        })
        .branch(() => true)
        .defaultBranch();
      names = [...branches.keys()];
    }, []);
    expect(names.map((name) => name.replace(/^KSTREAM-BRANCH-\d{10}/, ''))).toEqual([
      '1',
      '3',
      '0',
    ]);
  });

  test('a branch behind the last, and a name that is there twice, are refused', async () => {
    const behind = runTopology((builder) => {
      const split = lettersOf(builder);
      split.noDefaultBranch();
      split.branch(() => true);
    }, []);
    await expect(behind).rejects.toMatchObject({ code: 'STREAMS_TOPOLOGY' });
    const twice = runTopology((builder) => {
      lettersOf(builder).branch(() => true, { name: 'first' });
    }, []);
    await expect(twice).rejects.toMatchObject({ code: 'STREAMS_TOPOLOGY' });
  });
});
