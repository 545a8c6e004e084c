#include <callsheet/errors.h>
#include <callsheet/uuid.h>

#include <iostream>

// Uses the installed headers and library as a stranger would; argv[1] is a directory for its store.
int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: outside DIRECTORY\n";
    return 2;
  }
  const auto id = callsheet::makeJobID();
  if (callsheet::JobID::parse(id.toString()) != id) return 1;
  std::cout << argv[1] << ": " << callsheet::shortIDOf(id) << " "
            << callsheet::toString(callsheet::ErrorKind::conflict) << "\n";
  std::cout << "works\n";
  return 0;
}
