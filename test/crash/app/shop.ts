import {
  serdes,
  Stores,
  StreamRecord,
  StreamsBuilder,
  TimeWindows,
  type Topology,
} from '../../../src/index.ts';

/** Topics of one run; the internal ones follow from the application id. */
export interface ShopTopics {
  readonly entries: string;
  readonly priced: string;
  readonly totals: string;
  readonly windows: string;
  readonly ticks: string;
  readonly dead: string;
}

/** A price of a customer, or a sale to one. */
interface Entry {
  readonly id: string;
  readonly kind: 'price' | 'sale';
  readonly item: string;
  readonly amount: number;
}

interface PricedSale {
  readonly id: string;
  readonly item: string;
  readonly cost: number;
}

interface ItemTotal {
  readonly count: number;
  readonly total: number;
  readonly last: string;
}

const TICK_MS = 200;

/**
 * What the crash test runs: a join, a repartition topic, an aggregate, windows, a processor with a store of its own and a
 * punctuator, and records that cannot be read, which go to a topic of their own (`deadLetters` of the process).
 *
 *     entries ─► price ─► table "prices"
 *            └─► sale ──► join "prices" ─► priced
 *                                       └─► by item ─► "item-totals" ─► totals
 *                                                   ├─► 10 s windows "item-windows" ─► windows
 *                                                   └─► "seen" by id, and "ticks" by the clock ─► ticks
 *
 * All that it does to a record follows from the records before it in the same partition, so the judge can say what every
 * output partition must hold, record by record. Without the record cache: what that forwards depends on when is committed.
 */
export function shop(topics: ShopTopics): Topology {
  const builder = new StreamsBuilder();
  const text = serdes.string;
  const entries = builder.stream(topics.entries, { key: text, value: serdes.json<Entry>() });

  const prices = entries
    .filter((_, { kind }) => kind === 'price')
    .toTable({ store: 'prices', caching: false });
  const sales = entries
    .filter((_, { kind }) => kind === 'sale')
    .join(prices, (sale, price): PricedSale => ({
      id: sale.id,
      item: sale.item,
      cost: sale.amount * price.amount,
    }));
  const pricedSale = { key: text, value: serdes.json<PricedSale>() };
  sales.to(topics.priced, pricedSale);

  const byItem = sales
    .selectKey((_, { item }) => item)
    .repartition({ name: 'by-item', ...pricedSale });
  byItem
    .groupByKey()
    .aggregate(
      (): ItemTotal => ({ count: 0, total: 0, last: '' }),
      (_, { id, cost }, { count, total }) => ({ count: count + 1, total: total + cost, last: id }),
      { store: 'item-totals', value: serdes.json<ItemTotal>(), caching: false },
    )
    .toStream()
    .to(topics.totals);
  byItem
    .groupByKey()
    .windowedBy(TimeWindows.of({ size: '10s', grace: '1d' }))
    .count({ store: 'item-windows', caching: false })
    .toStream()
    .to(topics.windows, { key: serdes.timeWindowed(text, { size: '10s' }), value: serdes.long });
  byItem
    .process<string, number>({
      stores: [
        Stores.keyValue({ name: 'seen', key: text, value: serdes.long }),
        Stores.keyValue({ name: 'ticks', key: text, value: serdes.long }),
      ],
      create: (context) => {
        const seen = context.keyValueStore<string, number>('seen');
        const ticks = context.keyValueStore<string, number>('ticks');
        context.schedule(TICK_MS, 'wall-clock', (nowMs) => {
          const tick = (ticks.get(context.taskId) ?? 0) + 1;
          ticks.put(context.taskId, tick);
          context.forward(new StreamRecord(context.taskId, tick, nowMs, []));
        });
        return {
          process: ({ value: { id } }) => {
            seen.put(id, (seen.get(id) ?? 0) + 1);
          },
        };
      },
    })
    .to(topics.ticks, { key: text, value: serdes.long });
  return builder.build();
}
