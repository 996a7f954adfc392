import type { TableView } from '../operators/table-view.ts';
import { storeView, type TableLogic } from './table-logic.ts';

export interface DerivedTableOptions {
  readonly parent: TableLogic;
  /** Null where the rows are not kept. */
  readonly store: string | null;
  /** Of the store, if there is one; else the parent's versions show. */
  readonly historyRetentionMs: number | null;
  /** How to read the rows where they are not kept. */
  readonly deriveView: (parent: TableView) => TableView;
}

/** A table that another one gives, row by row: kept only where it was given a store, else read through its parent. */
export class DerivedTable implements TableLogic {
  readonly #options: DerivedTableOptions;
  #sendsOldValues = false;

  constructor(options: DerivedTableOptions) {
    this.#options = options;
  }

  get historyRetentionMs(): number | null {
    const { parent, store, historyRetentionMs } = this.#options;
    return store === null ? parent.historyRetentionMs : historyRetentionMs;
  }

  get sendsOldValues(): boolean {
    return this.#sendsOldValues;
  }

  /** A filter takes old values if its parent has them as it is: then it need not delete what was never there. */
  takeOldValuesIfAny(): void {
    if (this.#options.parent.sendOldValues({ force: false })) this.#sendsOldValues = true;
  }

  sendOldValues({ force }: { readonly force: boolean }): boolean {
    const { parent, store } = this.#options;
    if (store !== null || parent.sendOldValues({ force })) this.#sendsOldValues = true;
    return this.#sendsOldValues;
  }

  view(): TableView {
    const { parent, store, deriveView } = this.#options;
    return store === null ? deriveView(parent.view()) : storeView(store);
  }
}
