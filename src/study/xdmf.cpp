#include "xdmf.hpp"

namespace fortet::study {

std::string Xdmf::item(const std::string& shape, const std::string& path) const {
  return fmt::format("<DataItem Dimensions=\"{}\" NumberType=\"Float\" Precision=\"8\" Format=\"HDF\">{}:{}</DataItem>",
                     shape, file_, path);
}

std::string& Xdmf::series(const std::string& name) {
  if (!series_.contains(name)) names_.push_back(name);
  return series_[name];
}

void Xdmf::add_cells(const std::string& name, double time, const densities::Grid& grid, const std::string& base,
                     const std::string& group, const std::vector<std::string>& vectors) {
  const int d = grid.dimension();
  // A line is drawn as a strip of unit width, since XDMF has no one-dimensional rectilinear mesh.
  std::string nodes, cells, geometry;
  for (int k = d - 1; k >= 0; --k) {
    nodes += fmt::format("{} ", grid.cells(k) + 1);
    cells += fmt::format("{} ", grid.cells(k));
  }
  nodes.pop_back();
  cells.pop_back();
  for (int k = 0; k < d; ++k)
    geometry += item(fmt::format("{}", grid.cells(k) + 1), fmt::format("{}/grid/edges_{}", base, k));
  if (d == 1) {
    nodes = "2 " + nodes;
    cells = "1 " + cells;
    geometry += "<DataItem Dimensions=\"2\" NumberType=\"Float\" Precision=\"8\" Format=\"XML\">0 1</DataItem>";
  }
  const char* mesh = d == 3 ? "3DRectMesh" : "2DRectMesh";
  const char* axes = d == 3 ? "VXVYVZ" : "VXVY";
  std::string attributes =
      fmt::format("<Attribute Name=\"density\" AttributeType=\"Scalar\" Center=\"Cell\">{}</Attribute>",
                  item(cells, group + "/density"));
  for (const std::string& field : vectors) {
    attributes += fmt::format("<Attribute Name=\"{}\" AttributeType=\"Vector\" Center=\"Cell\">{}</Attribute>", field,
                              item(cells + " 3", group + "/" + field));
  }
  series("densities." + name) += fmt::format(
      "<Grid Name=\"{}\" GridType=\"Uniform\"><Time Value=\"{}\"/><Topology TopologyType=\"{}\" Dimensions=\"{}\"/>"
      "<Geometry GeometryType=\"{}\">{}</Geometry>{}</Grid>\n",
      name, time, mesh, nodes, axes, geometry, attributes);
}

void Xdmf::add_points(const std::string& name, double time, std::int64_t count, std::int64_t dimension,
                      const std::string& group) {
  if (dimension > 3 || count == 0) return;
  const std::string positions = item(fmt::format("{} {}", count, dimension), group + "/positions");
  std::string geometry = positions;
  if (dimension == 1) {
    geometry =
        fmt::format("<DataItem ItemType=\"Function\" Function=\"JOIN($0, 0*$0)\" Dimensions=\"{} 2\">{}</DataItem>",
                    count, positions);
  }
  series("ensembles." + name) += fmt::format(
      "<Grid Name=\"{}\" GridType=\"Uniform\"><Time Value=\"{}\"/><Topology TopologyType=\"Polyvertex\" "
      "NumberOfElements=\"{}\" "
      "NodesPerElement=\"1\"/><Geometry GeometryType=\"{}\">{}</Geometry></Grid>\n",
      name, time, count, dimension == 3 ? "XYZ" : "XY", geometry);
}

std::string Xdmf::text() const {
  std::string text = "<?xml version=\"1.0\"?>\n<Xdmf Version=\"2.0\"><Domain>\n";
  for (const std::string& name : names_) {
    text += fmt::format("<Grid Name=\"{}\" GridType=\"Collection\" CollectionType=\"Temporal\">\n{}</Grid>\n", name,
                        series_.at(name));
  }
  return text + "</Domain></Xdmf>\n";
}

}  // namespace fortet::study
