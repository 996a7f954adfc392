import { NotBuilt, type Built, type BuiltOf } from './built.ts';

/** The nodes of a case that are built so far, by name. */
export class BuiltNodes {
  readonly #nodes = new Map<string, Built>();

  set(name: string, node: Built): void {
    this.#nodes.set(name, node);
  }

  get(name: string): Built {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`the case names '${name}' before it describes it`);
    return node;
  }

  /** The node of a name, which must be of this kind. */
  of<Kind extends Built['kind']>(kind: Kind, name: string): BuiltOf<Kind> {
    const node = this.get(name);
    if (node.kind !== kind)
      throw new NotBuilt(`a ${kind} is needed where '${name}' is a ${node.kind}`);
    return node as BuiltOf<Kind>; // the kind has just been checked
  }
}
