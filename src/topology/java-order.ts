/**
 * The order in which Java's `HashSet<String>` and `HashMap<String, …>` run through names that were added in this order.
 * `describe()` needs it, since Kafka Streams prints from such sets. `presized` is a set that was made from a collection.
 */
export function hashOrder(names: readonly string[], presized: boolean): string[] {
  const added = [...new Set(names)];
  const capacity = presized ? presizedCapacity(added.length) : grownCapacity(added.length);
  const bucketOf = (name: string): number => spread(hashCode(name)) & (capacity - 1);
  // The sort is stable: within a bucket names stay in the order in which they were added.
  return added
    .map((name) => ({ name, bucket: bucketOf(name) }))
    .sort((a, b) => a.bucket - b.bucket)
    .map(({ name }) => name);
}

/** `String.hashCode`. */
function hashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

function spread(hash: number): number {
  return hash ^ (hash >>> 16);
}

/** A table that starts with 16 buckets and doubles when it is more than three quarters full. */
function grownCapacity(size: number): number {
  let capacity = 16;
  while (size > capacity * 0.75) capacity *= 2;
  return capacity;
}

/** The smallest power of two that holds size / 0.75 + 1, and 16 at least. */
function presizedCapacity(size: number): number {
  let capacity = 16;
  while (capacity < Math.floor(size / 0.75) + 1) capacity *= 2;
  return capacity;
}

interface TreeNode<T> {
  readonly item: T;
  left: TreeNode<T> | null;
  right: TreeNode<T> | null;
  parent: TreeNode<T> | null;
  red: boolean;
}

/**
 * Java's `TreeSet`, as far as adding and running through go. Kafka Streams sorts a node's neighbours by the size of
 * what is below them, while that size still grows; so the order depends on which neighbours an insertion is compared
 * with, and that on how the tree is balanced. A plain sort gives other results.
 */
export class InsertionTree<T> {
  readonly #compare: (a: T, b: T) => number;
  #root: TreeNode<T> | null = null;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  add(item: T): void {
    let parent: TreeNode<T> | null = null;
    let order = 0;
    for (let at = this.#root; at !== null; at = order < 0 ? at.left : at.right) {
      order = this.#compare(item, at.item);
      if (order === 0) return;
      parent = at;
    }
    const node: TreeNode<T> = { item, left: null, right: null, parent, red: true };
    if (parent === null) this.#root = node;
    else if (order < 0) parent.left = node;
    else parent.right = node;
    this.#rebalance(node);
  }

  items(): T[] {
    const items: T[] = [];
    const visit = (node: TreeNode<T> | null): void => {
      if (node === null) return;
      visit(node.left);
      items.push(node.item);
      visit(node.right);
    };
    visit(this.#root);
    return items;
  }

  /** The red-black insertion of Cormen, Leiserson and Rivest, which Java uses. */
  #rebalance(inserted: TreeNode<T>): void {
    let node = inserted;
    for (let { parent } = node; parent?.red === true; { parent } = node) {
      const grandparent = parent.parent;
      if (grandparent === null) break;
      const onLeft = parent === grandparent.left;
      const uncle = onLeft ? grandparent.right : grandparent.left;
      if (uncle?.red === true) {
        parent.red = false;
        uncle.red = false;
        grandparent.red = true;
        node = grandparent;
        continue;
      }
      if (node === (onLeft ? parent.right : parent.left)) {
        this.#rotate(parent, onLeft);
        parent = node;
      }
      parent.red = false;
      grandparent.red = true;
      this.#rotate(grandparent, !onLeft);
      break;
    }
    if (this.#root !== null) this.#root.red = false;
  }

  #rotate(node: TreeNode<T>, toLeft: boolean): void {
    const child = toLeft ? node.right : node.left;
    if (child === null) return;
    const inner = toLeft ? child.left : child.right;
    if (toLeft) node.right = inner;
    else node.left = inner;
    if (inner !== null) inner.parent = node;
    child.parent = node.parent;
    if (node.parent === null) this.#root = child;
    else if (node === node.parent.left) node.parent.left = child;
    else node.parent.right = child;
    if (toLeft) child.left = node;
    else child.right = node;
    node.parent = child;
  }
}
