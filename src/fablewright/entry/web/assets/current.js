// What stands on the page: one scene with its run, and who wants to know when it changes.

export const current = {
  run: "", // the id of the run that made the scene; empty when the server does not know it any more
  words: "",
  answer: null, // the whole answer with the scene
  variant: 0, // which of its scenes is looked at
  locked: new Set(),
};

/** Return the scene that is looked at, with its citations; null before the first. */
export function shown() {
  const { answer, variant } = current;
  if (!answer?.scene) return null;
  return variant ? answer.variants[variant - 1] : { scene: answer.scene, citations: answer.citations };
}

/** Return how the server is told which scene is meant. */
export const meant = () => ({ run: current.run, variant: current.variant });

const listeners = new EventTarget();

export const tell = (kind, detail) => listeners.dispatchEvent(new CustomEvent(kind, { detail }));
export const hear = (kind, work, options) => listeners.addEventListener(kind, (event) => work(event.detail), options);
