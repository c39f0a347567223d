/** Rows of a query as files: CSV, JSON and Parquet. */

import { parquetWriteBuffer } from "hyparquet-writer";

export interface InstanceRow {
  class: string;
  path: string | null;
  properties: Record<string, unknown>;
}

export type Format = "CSV" | "JSON" | "Parquet";

export function save(format: Format, names: readonly string[], rows: readonly InstanceRow[]): void {
  const [type, data] = format === "CSV" ? ["text/csv", csv(names, rows)] : format === "JSON" ? ["application/json", json(rows)] : ["application/vnd.apache.parquet", parquet(names, rows)];
  const url = URL.createObjectURL(new Blob([data], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${rows[0]?.class ?? "query"}.${format.toLowerCase()}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const textOf = (value: unknown): string | null =>
  value === null || value === undefined ? null : typeof value === "object" ? JSON.stringify(value) : String(value);

/** RFC 4180; a text that a spreadsheet would take for a formula begins with an apostrophe. */
export function csv(names: readonly string[], rows: readonly InstanceRow[]): string {
  const cell = (value: unknown): string => {
    let text = textOf(value) ?? "";
    if (typeof value !== "number" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [names.map(cell), ...rows.map((row) => names.map((name) => cell(row.properties[name])))];
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

export const json = (rows: readonly InstanceRow[]): string => `${JSON.stringify(rows, null, 1)}\n`;

/** A column has numbers, booleans or texts; times are texts in ISO 8601, as in the answer. */
export function parquet(names: readonly string[], rows: readonly InstanceRow[]): ArrayBuffer {
  return parquetWriteBuffer({
    columnData: names.map((name) => {
      const values = rows.map((row) => row.properties[name] ?? null);
      const present = values.filter((value) => value !== null);
      if (present.length && present.every((value) => typeof value === "boolean"))
        return { name, data: values as (boolean | null)[], type: "BOOLEAN" as const, nullable: true };
      if (present.length && present.every((value) => Number.isSafeInteger(value)))
        return { name, data: values.map((value) => (value === null ? null : BigInt(value as number))), type: "INT64" as const, nullable: true };
      if (present.length && present.every((value) => typeof value === "number"))
        return { name, data: values as (number | null)[], type: "DOUBLE" as const, nullable: true };
      return { name, data: values.map(textOf), type: "STRING" as const, nullable: true };
    }),
  });
}
