// The page is served below a path, so every address in it is relative.
export default {
  base: "./",
  build: {
    outDir: "../build/dashboard",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the content security policy allows no data: but images
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
};
