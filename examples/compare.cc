// Do two photos show the same person?  compare A.jpg B.jpg
#include <visavis/recognize.h>

#include <cstdio>

namespace {

// The embedding of the face the photo is about; says why if there is none.
bool EmbedPhoto(const visavis::Recognizer& recognizer, const char* path,
                visavis::Embedding& embedding) {
  const auto photo = visavis::ReadImage(path);
  if (!photo) return std::fprintf(stderr, "%s\n", photo.error().message.c_str()), false;
  const auto faces = recognizer.Recognize(photo->image);
  if (!faces) return std::fprintf(stderr, "%s\n", faces.error().message.c_str()), false;
  if (faces->empty()) return std::fprintf(stderr, "%s: no face found\n", path), false;
  embedding = faces->front().embedding;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: compare PHOTO PHOTO\n"), 2;
  const auto recognizer = visavis::Recognizer::CreateDefault();  // detect, align, embed
  if (!recognizer) return std::fprintf(stderr, "%s\n", recognizer.error().message.c_str()), 1;
  visavis::Embedding a, b;
  if (!EmbedPhoto(*recognizer, argv[1], a) || !EmbedPhoto(*recognizer, argv[2], b)) return 1;
  const auto verdict = recognizer->Compare(a, b);
  if (!verdict) return std::fprintf(stderr, "%s\n", verdict.error().message.c_str()), 1;
  std::printf("similarity %.4f: %s\n", verdict->similarity,
              verdict->same_person ? "same person" : "different people");
}
