/** The classes of a namespace and their properties, for completion. They are asked for once. */

import { askRows } from "./api";

export interface ClassInfo {
  name: string;
  properties: { name: string; type: string; description: string }[];
  description: string;
}

interface WireClass {
  class: string;
  qualifiers: { name: string; value: unknown }[];
  properties: { name: string; type: string; array: boolean; reference: string | null; qualifiers: { name: string; value: unknown }[] }[];
}

const loaded = new Map<string, Promise<Map<string, ClassInfo>>>();

export function classesOf(namespace: string): Promise<Map<string, ClassInfo>> {
  let classes = loaded.get(namespace);
  if (!classes) {
    classes = read(namespace);
    loaded.set(namespace, classes);
    classes.catch(() => loaded.delete(namespace));
  }
  return classes;
}

async function read(namespace: string): Promise<Map<string, ClassInfo>> {
  const classes = new Map<string, ClassInfo>();
  const description = (qualifiers: { name: string; value: unknown }[]) => {
    const text = qualifiers.find((one) => one.name === "Description")?.value;
    return typeof text === "string" ? text : "";
  };
  await askRows<WireClass>("classes", { namespace }, (row) => {
    if (row.class.startsWith("__")) return;
    classes.set(row.class.toLowerCase(), {
      name: row.class,
      description: description(row.qualifiers),
      properties: row.properties.map((one) => ({
        name: one.name,
        type: one.reference ? `reference to ${one.reference}` : one.type + (one.array ? "[]" : ""),
        description: description(one.qualifiers),
      })),
    });
  });
  return classes;
}
