/** Lists whose rows are added, removed and moved. */
export function without<T>(rows: T[], index: number): T[] {
  return rows.filter((_, other) => other !== index);
}

export function withRow<T>(rows: T[], index: number, row: T): T[] {
  return rows.map((other, position) => (position === index ? row : other));
}

/** The row goes one place up. */
export function raised<T>(rows: T[], index: number): T[] {
  return rows.map((row, position) => (position === index - 1 ? rows[index]! : position === index ? rows[index - 1]! : row));
}
