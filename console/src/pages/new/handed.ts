/** A file that was dropped on another page than its own, on its way there. */
let handed: File | null = null;

export function isClassifier(file: File): boolean {
  return /\.safetensors$/i.test(file.name);
}

export function hand(file: File): void {
  handed = file;
}

export function takeHanded(): File | null {
  const file = handed;
  handed = null;
  return file;
}
