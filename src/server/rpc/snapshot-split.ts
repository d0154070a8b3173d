/**
 * Cuts a message that would be too large for common receive limits into several.
 * @module
 */

/**
 * Splits `items` in order into groups whose sizes add up to at most `maxBytes`.
 *
 * @param items - In the order of delivery.
 * @param sizeOf - Encoded bytes of one item.
 * @param maxBytes - An item that is larger alone gets a group of its own.
 * @returns One group where all fit, so also for no items at all.
 */
export function splitBySize<T>(
  items: readonly T[],
  sizeOf: (item: T) => number,
  maxBytes: number,
): readonly (readonly T[])[] {
  const groups: T[][] = [];
  let group: T[] = [];
  let groupBytes = 0;
  for (const item of items) {
    const itemBytes = sizeOf(item);
    if (group.length > 0 && groupBytes + itemBytes > maxBytes) {
      groups.push(group);
      group = [];
      groupBytes = 0;
    }
    group.push(item);
    groupBytes += itemBytes;
  }
  groups.push(group);
  return groups;
}
