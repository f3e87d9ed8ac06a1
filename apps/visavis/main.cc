#include "commands.h"

int main(int argc, char** argv) {
  visavis::cli::CommandLine line;
  visavis::cli::AddModelInfo(line);
  visavis::cli::AddModelConvert(line);
  return line.Main(argc, argv);
}
