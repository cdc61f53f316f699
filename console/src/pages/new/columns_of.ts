/** The names of a text file's columns, as far as its first bytes say: suggestions for corrections, nothing more. */

const LOOKED_AT = 64 * 1024;

export async function columnsOf(file: File): Promise<string[]> {
  const text = (await file.slice(0, LOOKED_AT).text()).replace(/^\uFEFF/, "");
  const line = text.split(/\r?\n/, 1)[0] ?? "";
  if (line.startsWith("{") || line.startsWith("[")) return keysOf(line);
  if (line.includes("\u0000") || line.length > 2000) return [];
  const separator = ["\t", ";", ",", "|"].map((each) => [each, line.split(each).length] as const).sort((a, b) => b[1] - a[1])[0];
  if (!separator || separator[1] < 2) return [];
  return line.split(separator[0]).map((name) => name.trim().replace(/^"(.*)"$/, "$1"));
}

function keysOf(line: string): string[] {
  try {
    const row: unknown = JSON.parse(line);
    return row && typeof row === "object" && !Array.isArray(row) ? Object.keys(row) : [];
  } catch {
    return [];
  }
}
