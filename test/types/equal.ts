/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters -- comparing two generic functions is what is exact */
/** True exactly if two types are the same, `any` and readonly included. */
export type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/* eslint-enable */

/** `typeOf(x).is<string>()` compiles exactly if `x` is a string: otherwise an argument is missing. */
export function typeOf<A>(_value: A): {
  is: <B>(...mismatch: Equal<A, B> extends true ? [] : [expected: B]) => void;
} {
  return { is: () => undefined };
}
